// The gallery: posters play while the pointer or the focus is on them; further pages are appended in place.
import { announce, complain, noTrouble } from "./announce.js";
import { apiUrl } from "./api.js";
import { problemOf, send } from "./forms.js";
import { fetchPage, onSwap, put, showIf } from "./page.js";
import { say } from "./words.js";

const SEARCH_MS = 250;
const NEAR = "600px";
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function startGallery() {
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, play);
  for (const kind of ["pointerout", "focusout"]) document.addEventListener(kind, stop);
  onSwap((id) => id === "viewer" && mark());
  document.addEventListener("click", (event) => {
    const link = event.target.closest("#load-more");
    if (!link) return;
    event.preventDefault();
    loadMore(link, true);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-star]")) return;
    event.preventDefault();
    star(event.target);
  });
  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => event.target.closest("#sieve") && siftSoon());
  }
}

let sifting = null;

function siftSoon() {
  clearTimeout(sifting);
  sifting = setTimeout(sift, SEARCH_MS);
}

/** What the fields ask for, as an address says it, in an order of its own. */
function wanted() {
  const query = new URLSearchParams([...new FormData(document.getElementById("sieve"))].filter(([, value]) => value));
  query.sort();
  return query;
}

/** Show what is searched for, while one types. */
async function sift() {
  const query = wanted();
  const asked = query.toString();
  const now = new URLSearchParams(document.getElementById("gallery").dataset.query);
  now.sort();
  if (now.toString() === asked) return; // a field was left as it was
  const shown = document.getElementById("viewer").dataset.job;
  if (shown) query.set("job", shown);
  const at = document.activeElement;
  const [id, start, end] = [at?.id, at?.selectionStart, at?.selectionEnd];
  let page;
  try {
    page = await fetchPage(`/?${query}`);
  } catch (error) {
    return complain(error);
  }
  noTrouble();
  if (wanted().toString() !== asked) return; // changed again meanwhile, and looked for again
  put(page, "gallery");
  history.replaceState({}, "", `/?${query}`);
  const again = id ? document.getElementById(id) : null;
  again?.focus({ preventScroll: true });
  if (again?.type === "search") again.setSelectionRange(start, end);
  const project = document.getElementById("project");
  if (project) project.value = query.get("project") ?? "";
  announce(say("Clips shown: %(n)s", { n: document.querySelectorAll("#gallery-cards > li").length }));
}

/** One page more; whoever has asked for one gets the next ones on scrolling down. */
async function loadMore(link, asked) {
  if (link.getAttribute("aria-busy")) return;
  link.setAttribute("aria-busy", "true");
  let page;
  try {
    page = await fetchPage(link.href);
  } catch (error) {
    link.removeAttribute("aria-busy");
    return complain(error);
  }
  noTrouble();
  const cards = [...page.querySelectorAll("#gallery-cards > li")].filter((card) => !document.getElementById(card.id));
  document.getElementById("gallery-cards").append(...cards);
  if (asked) cards[0]?.querySelector("a").focus({ preventScroll: true });
  const next = page.getElementById("load-more");
  if (!next) return link.remove();
  link.replaceWith(next);
  const watcher = new IntersectionObserver((seen) => {
    if (!seen.some((part) => part.isIntersecting)) return;
    watcher.disconnect();
    loadMore(next, false);
  }, { rootMargin: NEAR });
  watcher.observe(next);
}

async function star(form) {
  const job = form.action.split("/").at(-2);
  const wanted = form.elements.starred.value === "1";
  try {
    const response = await send(form, null);
    if (!response.ok) throw new Error(await problemOf(response));
  } catch (error) {
    return complain(error);
  }
  noTrouble();
  document.getElementById("gallery").dataset.changed = performance.now();
  for (const other of document.querySelectorAll(`form[data-star][action$="/${CSS.escape(job)}/star"]`)) {
    other.elements.starred.value = wanted ? "0" : "1";
    other.querySelector("button").setAttribute("aria-pressed", String(wanted));
    other.closest(".card")?.classList.toggle("starred", wanted);
  }
  // among starred ones alone, it is no longer what is asked for
  if (!wanted && new URLSearchParams(document.getElementById("gallery").dataset.query).has("starred")) leave(job);
}

/** Take the card away; the one after it gets the focus that it had. */
function leave(job) {
  const card = document.getElementById(`card-${job}`);
  const next = card?.nextElementSibling ?? card?.previousElementSibling;
  const focused = card?.contains(document.activeElement);
  card?.remove();
  if (focused) (next?.querySelector("button") ?? document.getElementById("search")).focus({ preventScroll: true });
  showIf("gallery-empty", !document.querySelector("#gallery-cards > li"));
  announce(say("Clips shown: %(n)s", { n: document.querySelectorAll("#gallery-cards > li").length }));
}

/** The card of the clip in the viewer is the current one. */
function mark() {
  const shown = document.getElementById("viewer").dataset.job;
  for (const card of document.querySelectorAll("#gallery-cards > li")) {
    if (card.dataset.job === shown) card.firstElementChild.setAttribute("aria-current", "true");
    else card.firstElementChild.removeAttribute("aria-current");
  }
}

function play(event) {
  const link = event.target.closest?.("a[data-clip]");
  if (!link || calm.matches || link.querySelector("video")) return;
  const video = document.createElement("video");
  Object.assign(video, { src: apiUrl(`/artifacts/${link.dataset.clip}`), muted: true, loop: true, playsInline: true });
  video.setAttribute("aria-hidden", "true");
  link.append(video);
  video.play().catch(() => {});
}

function stop(event) {
  const link = event.target.closest?.("a[data-clip]");
  if (!link || link.contains(event.relatedTarget)) return;
  link.querySelector("video")?.remove();
}
