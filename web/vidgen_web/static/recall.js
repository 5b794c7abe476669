// Brings back settings of an earlier clip: all, all but the seed, the seed, or the prompt. Undo takes it back.
import { announce } from "./announce.js";
import { fetchPage, put } from "./page.js";
import { say } from "./words.js";

let undo = null;

export function startRecall() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-recall]");
    if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
      event.preventDefault();
      recall(link.dataset.recall, link.href);
    } else if (event.target.closest("[data-undo]")) takeBack();
  });
}

/** `what` is all, but-seed, seed or prompt; `url` the studio page that holds the earlier clip's settings. */
export async function recall(what, url) {
  const page = await fetchPage(url);
  const fresh = page.getElementById("composer");
  const old = document.getElementById("composer");
  if (!fresh || !old) return;
  const value = (part, id) => part.querySelector(`#${id}`)?.value ?? "";
  if (what === "seed" || what === "prompt") {
    const control = old.querySelector(`#${what}`);
    const before = control.value;
    write(control, value(fresh, what));
    undo = () => write(control, before);
    if (what === "seed") control.closest("details").open = true;
  } else {
    put(page, "composer");
    const now = document.getElementById("composer");
    if (what === "but-seed") write(now.querySelector("#seed"), "");
    undo = () => {
      now.replaceWith(old);
    };
  }
  offerUndo(true);
  announce(say("Settings restored"));
}

function write(control, value) {
  control.value = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
}

function takeBack() {
  undo?.();
  undo = null;
  offerUndo(false);
  announce(say("Taken back"));
  document.getElementById("prompt")?.focus();
}

function offerUndo(offered) {
  const line = document.getElementById("recalled");
  if (line) line.hidden = !offered;
}
