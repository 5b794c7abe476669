// The gallery: posters play while the pointer or the focus is on them; further pages are appended in place.
import { apiUrl } from "./api.js";
import { fetchPage, onSwap } from "./page.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function startGallery() {
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, play);
  for (const kind of ["pointerout", "focusout"]) document.addEventListener(kind, stop);
  onSwap((id) => id === "viewer" && mark());
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("#load-more");
    if (!link) return;
    event.preventDefault();
    link.setAttribute("aria-busy", "true");
    const page = await fetchPage(link.href);
    const list = document.getElementById("gallery-cards");
    const cards = [...page.querySelectorAll("#gallery-cards > li")].filter((card) => !document.getElementById(card.id));
    list.append(...cards);
    cards[0]?.querySelector("a").focus();
    const next = page.getElementById("load-more");
    if (next) link.replaceWith(next);
    else link.remove();
  });
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
