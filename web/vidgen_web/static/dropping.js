// What is dropped on the composer beside its slots: a dialog asks what it shall be there.
import { recall, recallFile } from "./recall.js";
import { chooseTab, slotOf, upload } from "./slots.js";

let asked = null;

export function startDropping() {
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, onDrag);
  document.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-drop-as]");
    if (!choice || !asked) return;
    dialog().close();
    if (asked.file) placeFile(choice.dataset.dropAs, asked.file);
    else placeClip(choice.dataset.dropAs, asked);
  });
}

function dialog() {
  return document.getElementById("drop-choice");
}

function onDrag(event) {
  if (event.defaultPrevented || !event.target.closest?.("#composer")) return;
  const types = event.dataTransfer.types;
  if (!types.includes("Files") && !types.includes("text/uri-list")) return;
  event.preventDefault();
  if (event.type !== "drop") return;
  const file = event.dataTransfer.files[0];
  const job = /[?&]job=([\w-]+)/.exec(event.dataTransfer.getData("text/uri-list"))?.[1];
  const card = job && document.querySelector(`#card-${CSS.escape(job)} a[data-clip]`);
  if (file) ask({ file });
  else if (card) ask({ job, clip: card.dataset.clip, fps: card.dataset.fps, prompt: card.title });
}

function ask(what) {
  asked = what;
  const kind = what.file?.type ?? "video/";
  for (const choice of dialog().querySelectorAll("[data-needs]")) choice.hidden = !kind.startsWith(choice.dataset.needs);
  for (const choice of dialog().querySelectorAll("[data-drop-as]")) {
    const offered = choice.dataset.dropAs === "settings" || document.getElementById(`task-${choice.dataset.tab}`);
    if (!offered) choice.hidden = true;
  }
  dialog().showModal();
}

function placeFile(as, file) {
  if (as === "settings") return recallFile(file);
  chooseTab(as === "start" ? "image-to-video" : as === "restyle" ? "video-to-video" : "extend-video");
  return upload(slotOf(as === "start" ? "image" : "video"), file);
}

async function placeClip(as, { job, clip, fps, prompt }) {
  if (as === "settings") return recall("all", `/?reuse=${job}`);
  const tab = { start: "image-to-video", restyle: "video-to-video", extend: "extend-video" }[as];
  const frame = as === "start" ? "-1" : "";
  const { place } = await import("./next.js");
  return place(tab, as === "start" ? "image" : "video", { artifact: clip, frame, fps, prompt });
}
