// Media slots: a chosen, dropped or pasted file becomes an upload at once; a clip of the gallery becomes a reference.
import { announce } from "./announce.js";
import { apiUrl, call } from "./api.js";
import { onSwap } from "./page.js";
import { say } from "./words.js";

const SLOT_BY_TASK = { "image-to-video": "image", "video-to-video": "video", "extend-video": "video", "process-video": "video", keyframes: "keyframes" };
let picking = null;
let changed = () => {};

export function startSlots(onChange) {
  changed = onChange;
  document.addEventListener("change", (event) => {
    const slot = event.target.matches('input[type="file"]') && event.target.closest(".slot");
    if (slot && event.target.files.length) upload(slot, event.target.files[0]);
  });
  document.addEventListener("click", onClick, true);
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((item) => /^(image|video)\//.test(item.type));
    if (!file) return;
    event.preventDefault();
    if (!activeSlot()) chooseTab(file.type.startsWith("video/") ? "video-to-video" : "image-to-video");
    const slot = activeSlot();
    if (slot) upload(slot, file);
  });
  for (const kind of ["dragover", "dragleave", "drop"]) document.addEventListener(kind, onDrag);
  document.addEventListener("keydown", (event) => event.key === "Escape" && pick(null));
  onSwap((id) => {
    if (id !== "composer") return;
    pick(null);
    showFrames();
  });
  showFrames();
}

/** The slot of this name, where the composer shows it. */
export function slotOf(name) {
  return document.querySelector(`.slot[data-slot="${CSS.escape(name)}"]`);
}

/** Where the chosen tab takes what is pasted: of several pictures, the first that is missing. */
function activeSlot() {
  const name = SLOT_BY_TASK[document.querySelector('input[name="task"]:checked')?.value];
  if (name !== "keyframes") return slotOf(name);
  const slots = [...document.querySelectorAll('.slot[data-slot^="keyframes."]')];
  return slots.find((slot) => slot.querySelector(".filled").hidden) ?? slots.at(-1);
}

/** Turn to the composer's tab of this task, where it has one. */
export function chooseTab(task) {
  const radio = document.getElementById(`task-${task}`);
  if (radio) radio.checked = true;
}

function onClick(event) {
  const clear = event.target.closest("[data-clear]");
  const wanted = event.target.closest("[data-pick]");
  if (clear) fill(slotOf(clear.dataset.clear), {});
  else if (wanted) pick(picking === wanted.dataset.pick ? null : wanted.dataset.pick);
  else if (event.target.closest("[data-unpick]")) pick(null);
  else if (picking) {
    const card = event.target.closest("a[data-clip]");
    if (!card) return;
    event.preventDefault();
    event.stopPropagation();
    fromGallery(card);
  }
}

function onDrag(event) {
  const slot = event.target.closest?.(".slot");
  if (!slot) return;
  event.preventDefault();
  slot.classList.toggle("over", event.type === "dragover");
  if (event.type !== "drop") return;
  const clip = /[?&]job=([\w-]+)/.exec(event.dataTransfer.getData("text/uri-list"));
  const card = clip && document.querySelector(`#card-${CSS.escape(clip[1])} a[data-clip]`);
  if (card) {
    picking = slot.dataset.slot;
    fromGallery(card);
  } else if (event.dataTransfer.files.length) upload(slot, event.dataTransfer.files[0]);
}

function pick(name) {
  picking = name;
  document.body.classList.toggle("is-picking", Boolean(name));
  const line = document.getElementById("picking");
  if (line) line.hidden = !name;
  for (const button of document.querySelectorAll("[data-pick]")) {
    button.setAttribute("aria-pressed", String(button.dataset.pick === name));
  }
  if (!name) return;
  const first = document.querySelector("#gallery-cards a");
  document.getElementById("gallery").scrollIntoView({ block: "nearest" });
  if (first) first.focus({ preventScroll: true });
  else announce(say("The gallery is still empty."));
}

function fromGallery(card) {
  const slot = slotOf(picking);
  // what is shown over time is meant as a whole, a picture as the frame that one may go on from
  const frame = picking.endsWith("video") ? "" : "-1";
  const video = document.createElement("video");
  video.src = apiUrl(`/artifacts/${card.dataset.clip}`);
  Object.assign(video.dataset, { frame, fps: card.dataset.fps });
  const which = frame ? say("Last frame") : say("Clip");
  const label = say("%(which)s of “%(prompt)s”", { which, prompt: card.title });
  fill(slot, { artifact: card.dataset.clip, frame, label, picture: video });
  pick(null);
  slot.querySelector("[data-clear]").focus();
}

/** Send the file and put it into the slot; a refusal is told there. */
export async function upload(slot, file) {
  const error = slot.querySelector("[data-error]");
  error.hidden = true;
  slot.classList.add("busy");
  slot.setAttribute("aria-busy", "true");
  const form = new FormData();
  form.append("file", file);
  try {
    const stored = await call("POST", "/uploads", { form });
    const picture = document.createElement(stored.kind === "video" ? "video" : "img");
    picture.src = apiUrl(`/uploads/${stored.id}/content`);
    const isClipFrame = stored.kind === "video" && !/video$|^mask/.test(slot.dataset.slot);
    fill(slot, { upload: stored.id, frame: isClipFrame ? "0" : "", label: file.name, picture });
    announce(say("%(name)s is ready", { name: file.name }));
  } catch (problem) {
    error.textContent = problem.message;
    error.hidden = false;
    announce(problem.message);
  } finally {
    slot.classList.remove("busy");
    slot.removeAttribute("aria-busy");
    slot.querySelector('input[type="file"]').value = "";
  }
}

export function fill(slot, { upload = "", artifact = "", frame = "", label = "", picture = null }) {
  const name = slot.dataset.slot;
  const set = (part, value) => {
    const control = slot.querySelector(`[name="${name}.${part}"]`);
    if (control) control.value = value;
  };
  set("upload_id", upload);
  set("artifact_id", artifact);
  set("frame", frame);
  slot.querySelector(".filled").hidden = !(upload || artifact);
  slot.querySelector(".what").textContent = label;
  const thumb = slot.querySelector(".thumb");
  thumb.replaceChildren();
  if (picture) {
    picture.width = picture.height = 64;
    if (picture.tagName === "VIDEO") Object.assign(picture, { muted: true, playsInline: true, preload: "auto" });
    picture.setAttribute("aria-hidden", "true");
    thumb.append(picture);
    showFrames();
  }
  slot.querySelector("[data-error]").hidden = true;
  slot.dispatchEvent(new Event("filled", { bubbles: true }));
  changed();
}

/** Thumbnails of clips stand at the frame that is meant. */
function showFrames() {
  for (const video of document.querySelectorAll(".slot .thumb video")) {
    const place = () => {
      const frame = Number(video.dataset.frame || 0);
      const time = (frame + 0.5) / (Number(video.dataset.fps) || 8);
      video.currentTime = Math.max(0, frame < 0 ? video.duration + time : Math.min(time, video.duration));
    };
    if (video.readyState >= 1) place();
    else video.addEventListener("loadedmetadata", place, { once: true });
  }
}
