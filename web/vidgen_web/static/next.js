// What is made next from the clip in the viewer: it goes into a slot, and the rest of the composer stays as it is.
// Where the composer has no such slot at hand, the link or form does what it does without scripts.
import { onSwap } from "./page.js";
import { emptySlot, place } from "./slots.js";

const TABS = { image: "image-to-video", last_image: "image-to-video", video: "video-to-video", extend: "extend-video", keyframes: "keyframes" };

let waiting = null;

/** Before anything else hears of the click: what is handled here is followed nowhere. */
export function startNext() {
  onSwap((id) => {
    if (id !== "composer" || !waiting) return;
    const then = waiting;
    waiting = null;
    then();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-next]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (into(link.dataset.next, link.dataset.frame ?? "")) taken(event);
  }, true);
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "frame-form") return;
    const number = Number(event.target.elements.number.value);
    const frame = String(Math.max(1, number) - 1);
    if (number && into(event.submitter?.value ?? "image", frame)) taken(event);
  }, true);
}

function taken(event) {
  event.preventDefault();
  event.stopPropagation();
}

/** Whether there is a place for it. `frame` counts from 0, -1 is the last one. */
function into(slot, frame) {
  const about = clip(frame);
  if (!about) return false;
  if (slot === "references") return refer(about);
  if (slot === "keyframes") return becomeKey(about);
  if (slot !== "extend") return place(TABS[slot], slot, about);
  if (!place(TABS.extend, "video", { ...about, frame: "" })) return false;
  document.getElementById("number").value = Number(frame) + 1;
  return true;
}

function clip(frame) {
  const about = document.getElementById("frame-form")?.dataset;
  return about && { artifact: about.clip, fps: about.fps, prompt: about.prompt, frame };
}

/** Into the first empty row, or one that is added for it. */
function becomeKey(about) {
  const into = () => Boolean(emptySlot("keyframes.")) && place(TABS.keyframes, emptySlot("keyframes."), about);
  return into() || after('[name="add_key"]', into);
}

/** On whichever tab takes references; their section may have to be opened first. */
function refer(about) {
  const tab = document.querySelector('input[name="task"]:checked').value;
  const taking = ["process-video", "extend-video"].includes(tab) ? "text-to-video" : tab;
  const into = () => place(taking, emptySlot("references.") ?? "references.0.image", about);
  return into() || after('.opener[value="motion"]', into);
}

/** Ask the server for the composer with what this button adds, and go on with it. */
function after(button, then) {
  const found = document.querySelector(`#composer-form ${button}`);
  if (!found) return false;
  waiting = then;
  found.click();
  return true;
}
