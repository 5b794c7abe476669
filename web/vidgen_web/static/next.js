// What is made next from the clip in the viewer: it goes into a slot, and the rest of the composer stays as it is.
// Where the composer has no such slot at hand, the link or form does what it does without scripts.
import { announce } from "./announce.js";
import { apiUrl } from "./api.js";
import { onSwap, reveal } from "./page.js";
import { chooseTab, fill, slotOf } from "./slots.js";
import { say } from "./words.js";

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
  const taking = tab === "process-video" ? "text-to-video" : tab;
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

/**
 * A clip, or a frame of it, into the slot of a tab; what else stands in the composer stays. False where it has none.
 * `frame` counts from 0 (-1 is the last, "" the whole clip).
 */
export function place(tab, name, { artifact, frame, fps, prompt }) {
  const slot = slotOf(name);
  if (!slot || !document.getElementById(`task-${tab}`)) return false;
  chooseTab(tab);
  const video = document.createElement("video");
  video.src = apiUrl(`/artifacts/${artifact}`);
  Object.assign(video.dataset, { frame, fps });
  fill(slot, { artifact, frame, label: say("%(which)s of “%(prompt)s”", { which: frameName(frame), prompt }), picture: video });
  const words = document.getElementById("prompt");
  if (!words.value) words.value = prompt;
  reveal("composer");
  announce(slot.querySelector(".what").textContent);
  return true;
}

function frameName(frame) {
  if (frame === "") return say("Clip");
  return frame === "-1" ? say("Last frame") : say("Frame %(n)s", { n: Number(frame) + 1 });
}

/** The name of the first empty slot whose name begins so. */
function emptySlot(start) {
  const slots = [...document.querySelectorAll(`.slot[data-slot^="${start}"]`)];
  return slots.find((slot) => slot.querySelector(".filled").hidden)?.dataset.slot;
}
