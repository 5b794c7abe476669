// Brings back settings of an earlier clip: all, all but the seed, the seed, or the prompt. Undo takes it back.
import { announce, complain, noTrouble } from "./announce.js";
import { pageOf, send } from "./forms.js";
import { fetchPage, put } from "./page.js";
import { say } from "./words.js";

let undo = null;

/** The settings that a file carries, into the composer. */
export function recallFile(file) {
  const form = document.getElementById("recall-form");
  if (form) fromFile(form, file);
}

/** `file`: another one than the form holds. */
export async function fromFile(form, file) {
  const old = document.getElementById("composer");
  let response;
  try {
    response = await send(form, null, file ? { recipe: file } : {});
  } catch (error) {
    return complain(error);
  }
  const page = await pageOf(response);
  if (response.ok) return replaceComposer(page, old);
  // the first of them in this order, not in the page's: the form's own line says only that something is wrong below
  const places = ["#recipe-error:not([hidden])", "[data-problem]", "#form-error p"];
  const refusal = places.map((place) => page.querySelector(place)?.textContent.trim()).find(Boolean);
  const line = document.getElementById("recipe-error");
  form.closest("details").open = true;
  line.hidden = false;
  line.textContent = refusal ?? say("The service did not answer.");
  line.scrollIntoView({ block: "nearest" });
  announce(line.textContent);
}

function replaceComposer(page, old) {
  put(page, "composer");
  const now = document.getElementById("composer");
  // how many clips and in which project is no setting of a clip
  for (const id of ["count", "project"]) {
    const [before, after] = [old, now].map((part) => part.querySelector(`#${id}`));
    if (before && after) after.value = before.value;
  }
  noTrouble();
  // looked up when it is taken back: an opened section or a preset puts another composer there
  undo = () => document.getElementById("composer").replaceWith(old);
  offerUndo(true);
  announce(say("Settings restored"));
  return now;
}

/** `what` is all, but-seed, seed or prompt; `url` the studio page that holds the earlier clip's settings. */
export async function recall(what, url) {
  let page;
  try {
    page = await fetchPage(url);
  } catch (error) {
    return complain(error);
  }
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

export function takeBack() {
  undo?.();
  undo = null;
  offerUndo(false);
  announce(say("Taken back"));
  const prompt = document.getElementById("prompt");
  prompt?.dispatchEvent(new Event("input", { bubbles: true }));
  prompt?.focus();
}

function offerUndo(offered) {
  const line = document.getElementById("recalled");
  if (line) line.hidden = !offered;
}
