// Brings back settings of an earlier clip: all, all but the seed, the seed, or the prompt. Undo takes it back.
import { announce } from "./announce.js";
import { pageOf, send } from "./forms.js";
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
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "recall-form") return;
    event.preventDefault();
    fromFile(event.target);
  });
}

/** The settings that a file carries, into the composer. */
export function recallFile(file) {
  const form = document.getElementById("recall-form");
  if (form) fromFile(form, file);
}

async function fromFile(form, file) {
  const old = document.getElementById("composer");
  let response;
  try {
    response = await send(form, null, file ? { recipe: file } : {});
  } catch {
    return announce(say("The service did not answer."));
  }
  const page = await pageOf(response);
  if (response.ok) return replaceComposer(page, old);
  // the first of them in this order, not in the page's: the form's own line says only that something is wrong below
  const places = ["#recipe-error:not([hidden])", "[data-problem]", "#form-error p"];
  const told = places.map((place) => page.querySelector(place)?.textContent.trim()).find(Boolean);
  const line = document.getElementById("recipe-error");
  form.closest("details").open = true;
  line.hidden = false;
  line.textContent = told ?? say("The service did not answer.");
  line.scrollIntoView({ block: "nearest" });
  announce(line.textContent);
}

function replaceComposer(page, old) {
  put(page, "composer");
  const now = document.getElementById("composer");
  // looked up when it is taken back: an opened section or a preset puts another composer there
  undo = () => document.getElementById("composer").replaceWith(old);
  offerUndo(true);
  announce(say("Settings restored"));
  return now;
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
    undo = () => write(document.getElementById(what), before);
    if (what === "seed") control.closest("details").open = true;
  } else {
    const now = replaceComposer(page, old);
    if (what === "but-seed") write(now.querySelector("#seed"), "");
    return;
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
