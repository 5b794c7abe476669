// The composer: sliders, words, examples, parts of a story, what is foretold, sending. Media slots are in slots.js.
import { announce } from "./announce.js";
import { pageOf, send } from "./forms.js";
import { onRefresh, refresh } from "./live.js";
import { onSwap, put } from "./page.js";
import { startSlots } from "./slots.js";
import { mayBeSent, ownValidity } from "./validity.js";
import { say } from "./words.js";

const FORECAST_MS = 300;
// while jobs run, the line ahead changes by itself
const STALE_MS = 5000;
const FORETOLD = ["prompt-remark", "length-note", "forecast"];

let foretelling = null;
let asked = null;
let foretold = Date.now();

export function startComposer() {
  startSlots(forecastSoon);
  ownValidity(form());
  onSwap((id) => {
    if (id !== "composer") return;
    ownValidity(form());
    forecastSoon();
  });
  onRefresh(forecastSoon);
  setInterval(() => {
    const waits = document.querySelector("#queue-rows > .running, #queue-rows > .queued");
    if (waits && !document.hidden && Date.now() - foretold > STALE_MS) forecastSoon();
  }, STALE_MS);
  document.addEventListener("input", (event) => {
    if (!event.target.closest("#composer-form")) return;
    mirror(event.target);
    clearError(event.target);
    forecastSoon();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "composer-form") return;
    if (!event.submitter?.formNoValidate && !mayBeSent(event.target)) return event.preventDefault();
    // a grid has a page of its own
    if ("leaves" in (event.submitter?.dataset ?? {})) return;
    event.preventDefault();
    if (event.submitter?.dataset.recompose) recompose(event.submitter);
    else create(event.target, event.submitter);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form()?.requestSubmit((event.shiftKey && document.getElementById("front")) || document.getElementById("generate"));
  });
  document.addEventListener("click", (event) => {
    const word = event.target.closest("[data-word]");
    const example = event.target.closest("[data-example]");
    if (word) write(join(prompt().value, word.textContent));
    if (example) {
      event.preventDefault();
      write(example.dataset.example);
    }
  });
  document.addEventListener("change", (event) => {
    // what is nothing but steps shows them
    const opener = event.target.value === "process-video" && form().querySelector('.opener[value="finish"]');
    if (opener) recompose(opener);
    if (event.target.matches("[data-reload]")) recompose(document.getElementById("other-model"));
  });
}

function form() {
  return document.getElementById("composer-form");
}

function prompt() {
  return document.getElementById("prompt");
}

function write(text) {
  prompt().value = text;
  prompt().focus();
  clearError(prompt());
  forecastSoon();
}

function join(text, word) {
  return text && !/\s$/.test(text) ? `${text} ${word}` : text + word;
}

/** Controls that say the same thing follow each other: slider and number, a chosen length and one of one's own. */
function mirror(control) {
  const controls = form().elements;
  if (control.dataset.mirror) controls[control.dataset.mirror].value = control.value;
  const slider = control.id && form().querySelector(`[data-mirror="${CSS.escape(control.id)}"]`);
  if (slider) slider.value = control.value;
  if (control.name === "num_frames" && controls.seconds) controls.seconds.value = "";
  if (control.name === "seconds") for (const choice of form().querySelectorAll('[name="num_frames"]')) choice.checked = false;
}

/** The composer as the server makes it of what it holds: with one more row, or with a section that was closed. */
async function recompose(button) {
  const old = form();
  if (old.inert) return;
  old.inert = true;
  const open = [...old.querySelectorAll("details[open][id]")].map((part) => part.id);
  try {
    const response = await fetch(button.formAction, { method: "POST", body: new FormData(old, button), headers: { Accept: "text/html" } });
    put(await pageOf(response), "composer");
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    document.querySelector(button.dataset.recompose)?.focus({ preventScroll: true });
  } catch {
    showError(say("The service did not answer."));
  }
  old.inert = false;
}

async function create(composer, submitter) {
  const buttons = [...composer.querySelectorAll(".go button")];
  if (buttons.some((button) => button.disabled)) return;
  const sent = send(composer, submitter, { from: "studio" });
  for (const button of buttons) button.disabled = true;
  clearErrors();
  try {
    const response = await sent;
    const page = await pageOf(response);
    if (response.ok) await queued(response.url, page);
    else refused(page);
  } catch {
    showError(say("The service did not answer."));
  }
  for (const button of buttons) button.disabled = false;
}

async function queued(url, page) {
  const changed = Boolean(form().elements.version);
  document.dispatchEvent(new Event("sent"));
  put(page, "viewer");
  if (changed) put(page, "composer");
  history.pushState({}, "", url);
  announce(changed ? say("Changed") : say("Queued"));
  await refresh();
}

/** The composer as the server sends it back, with what is wrong beside each field. */
function refused(page) {
  const told = page.querySelector("[data-problem]");
  if (told) return showError(told.textContent);
  put(page, "composer");
  const wrong = document.querySelector("#composer [aria-invalid]") ?? document.getElementById("form-error");
  wrong.focus();
  const first = document.querySelector("#composer-form .wrong:not([hidden])") ?? document.getElementById("form-error");
  announce(first.textContent.trim());
}

function forecastSoon() {
  clearTimeout(foretelling);
  foretelling = setTimeout(forecast, FORECAST_MS);
}

async function forecast() {
  if (!form()) return;
  asked?.abort();
  asked = new AbortController();
  foretold = Date.now();
  const data = new FormData(form());
  for (const input of form().querySelectorAll('input[type="file"]')) data.delete(input.name);
  try {
    const response = await fetch(form().dataset.forecast, { method: "POST", body: data, signal: asked.signal });
    if (!response.ok) return;
    const page = await pageOf(response);
    for (const id of FORETOLD) put(page, id);
  } catch (error) {
    if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error;
  }
}

function showError(message) {
  const box = document.getElementById("form-error");
  box.hidden = false;
  box.querySelector("p").textContent = message;
  box.focus();
  announce(message);
}

function clearErrors() {
  document.getElementById("form-error").hidden = true;
  for (const place of form().querySelectorAll("[data-error]")) place.hidden = true;
  for (const control of form().querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}

/** What was wrong with the control, and with its group, is no longer told once something is changed. */
function clearError(control) {
  control.removeAttribute("aria-invalid");
  const own = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id.endsWith("-error"));
  const group = control.closest("fieldset")?.querySelector(":scope > [data-error]");
  for (const place of [...own.map((id) => document.getElementById(id)), group]) if (place) place.hidden = true;
}
