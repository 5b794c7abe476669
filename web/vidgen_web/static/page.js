// Fetches pages of this portal and puts parts of them into the current one, so that markup is made in one place: the server.
import { say } from "./words.js";

const listeners = [];

/** Call `listener(id)` whenever the element with that id was replaced. */
export function onSwap(listener) {
  listeners.push(listener);
}

/** The page at this address. Raises what it says, where it is none that was asked for. */
export async function fetchPage(url) {
  const response = await fetch(url, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (!response.ok) throw new Error(page.querySelector("[data-problem]")?.textContent ?? say("The service did not answer."));
  return page;
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
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const open = [...list.querySelectorAll("details[open]")].map((part) => part.id);
  for (const child of [...list.children]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, place) => {
    if (list.children[place] !== child) list.insertBefore(child, list.children[place] ?? null);
  });
  for (const part of open) document.getElementById(part)?.setAttribute("open", "");
  // what was moved or replaced has lost the focus; its successor bears the same id
  if (focused?.id && document.activeElement !== focused) document.getElementById(focused.id)?.focus({ preventScroll: true });
}

export function showIf(id, shown) {
  const element = document.getElementById(id);
  if (element) element.hidden = !shown;
}

/** Links with data-swap="part" replace that part in place; the address changes as if the link had been followed. */
export function startSwaps() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-swap]:not([data-recall])");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (!document.getElementById(link.dataset.swap)) return;
    event.preventDefault();
    await go(link.href, link.dataset.swap);
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("form[method=get][data-swap]")) follow(event);
  });
  window.addEventListener("popstate", () => location.reload());
}

/** A form that asks for a page is a link with fields. */
function follow(event) {
  if (!document.getElementById(event.target.dataset.swap)) return;
  event.preventDefault();
  const query = new URLSearchParams(new FormData(event.target, event.submitter));
  go(`${event.target.action}?${query}`, event.target.dataset.swap);
}

/** Put the part `id` of the page at `url` in place of the present one, and make it the address. */
export async function go(url, id) {
  try {
    await swap(url, [id]);
  } catch {
    location.href = url;
    return;
  }
  history.pushState({}, "", url);
  reveal(id);
}

/** Bring the part into sight, and the prompt under the hand. */
export function reveal(id) {
  const part = document.getElementById(id);
  const box = part.getBoundingClientRect();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (box.top < 0 || box.top > innerHeight * 0.7) part.scrollIntoView({ behavior: calm ? "auto" : "smooth" });
  if (id === "composer") part.querySelector("#prompt")?.focus({ preventScroll: true });
}
