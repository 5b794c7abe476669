// Fetches pages of this portal and puts parts of them into the current one, so that markup is made in one place: the server.

const listeners = [];

/** Call `listener(id)` whenever the element with that id was replaced. */
export function onSwap(listener) {
  listeners.push(listener);
}

export async function fetchPage(url) {
  const response = await fetch(url, { headers: { Accept: "text/html" } });
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** Replace the elements with these ids by those of the page at `url`. */
export async function swap(url, ids) {
  const page = await fetchPage(url);
  for (const id of ids) put(page, id);
  return page;
}

export function put(page, id) {
  const fresh = page.getElementById(id);
  const old = document.getElementById(id);
  if (!fresh || !old) return;
  old.replaceWith(fresh);
  for (const listener of listeners) listener(id);
}

/** Make the children of `#id` those of `page`, by their data-key: what did not change stays, with its focus. */
export function reconcile(page, id) {
  const list = document.getElementById(id);
  const fresh = page.getElementById(id);
  if (!list || !fresh) return;
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const wanted = [...fresh.children].map((child) => known.get(child.dataset.key) ?? child);
  for (const child of [...list.children]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, place) => {
    if (list.children[place] !== child) list.insertBefore(child, list.children[place] ?? null);
  });
}

export function showIf(id, shown) {
  const element = document.getElementById(id);
  if (element) element.hidden = !shown;
}

/** Links with data-swap="part" replace that part in place; the address changes as if the link had been followed. */
export function startSwaps() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-swap]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const id = link.dataset.swap;
    if (!document.getElementById(id)) return;
    event.preventDefault();
    const url = link.href;
    try {
      await swap(url, [id]);
    } catch {
      location.href = url;
      return;
    }
    history.pushState({}, "", url);
    reveal(id);
  });
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });
  window.addEventListener("popstate", () => location.reload());
}

function reveal(id) {
  const part = document.getElementById(id);
  const box = part.getBoundingClientRect();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (box.top < 0 || box.top > innerHeight * 0.7) part.scrollIntoView({ behavior: calm ? "auto" : "smooth" });
  if (id === "composer") part.querySelector("#prompt")?.focus({ preventScroll: true });
}
