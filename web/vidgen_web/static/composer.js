// The composer: sliders, words, examples, forecast, sending. Media slots are in slots.js.
import { announce } from "./announce.js";
import { Problem, call } from "./api.js";
import { refresh } from "./live.js";
import { onSwap, swap } from "./page.js";
import { duration } from "./progress.js";
import { slotFields, startSlots } from "./slots.js";

const NUMBERS = ["num_frames", "num_inference_steps", "guidance_scale", "strength", "seed", "fps", "width", "height"];
const FORECAST_MS = 250;

let forecasting = null;
let asked = null;

export function startComposer() {
  startSlots(forecastSoon);
  onSwap((id) => id === "composer" && forecastSoon());
  document.addEventListener("input", (event) => {
    if (!event.target.closest("#composer-form")) return;
    mirror(event.target);
    clearError(event.target);
    forecastSoon();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id === "composer-form") {
      event.preventDefault();
      send(event.target);
    } else if (event.target.dataset.action) {
      event.preventDefault();
      act(event.target);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form()?.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    const word = event.target.closest("[data-word]");
    const example = event.target.closest("[data-example]");
    if (word) write(join(prompt().value, word.dataset.word));
    if (example) {
      event.preventDefault();
      write(example.dataset.example);
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-reload]")) location.href = `/?model=${encodeURIComponent(event.target.value)}`;
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
}

function join(text, word) {
  return text && !/\s$/.test(text) ? `${text} ${word}` : text + word;
}

function mirror(control) {
  if (control.dataset.mirror) form().elements[control.dataset.mirror].value = control.value;
  const slider = control.id && form().querySelector(`[data-mirror="${CSS.escape(control.id)}"]`);
  if (slider) slider.value = control.value;
}

/** The form as a job spec; only what belongs to the chosen task. */
function spec() {
  const controls = form().elements;
  const task = controls.task.value;
  const fields = { task, model: controls.model.value, prompt: controls.prompt.value };
  if (controls.negative_prompt?.value) fields.negative_prompt = controls.negative_prompt.value;
  for (const name of NUMBERS) {
    if (controls[name]?.value && (name !== "strength" || task === "video-to-video")) fields[name] = Number(controls[name].value);
  }
  return { ...fields, ...slotFields(form(), task) };
}

async function send(composer) {
  const button = composer.querySelector("#generate");
  if (button.disabled) return;
  button.disabled = true;
  clearErrors();
  try {
    const job = await call("POST", "/jobs", { json: spec(), headers: { "Idempotency-Key": crypto.randomUUID() } });
    const url = `/?job=${encodeURIComponent(job.id)}`;
    await swap(url, ["viewer"]);
    history.pushState({}, "", url);
    announce("Queued");
    await refresh();
  } catch (error) {
    showError(error);
  } finally {
    button.disabled = false;
  }
}

async function act(composed) {
  const id = composed.action.split("/").at(-2);
  const button = composed.querySelector("button");
  button.disabled = true;
  try {
    if (composed.dataset.action === "delete") await call("DELETE", `/jobs/${id}`);
    else await call("POST", `/jobs/${id}/${composed.dataset.action}`);
    await refresh();
  } catch (error) {
    button.disabled = false;
    announce(error.message);
  }
}

function forecastSoon() {
  clearTimeout(forecasting);
  forecasting = setTimeout(forecast, FORECAST_MS);
}

async function forecast() {
  const line = document.getElementById("forecast");
  asked?.abort();
  asked = new AbortController();
  const fields = spec();
  // time does not depend on what the media are, so an empty slot needs no forecast of its own
  if ((fields.task === "image-to-video" && !fields.image) || (fields.task === "video-to-video" && !fields.video)) {
    fields.task = "text-to-video";
    delete fields.strength;
  }
  try {
    const found = await call("POST", "/jobs/forecast", { json: fields, signal: asked.signal });
    const wait = found.jobs_ahead ? `, after ${found.jobs_ahead} in line` : "";
    line.textContent = (found.seconds < 1 ? "Under a second" : `About ${duration(found.seconds)}`) + wait;
    line.classList.remove("wrong");
  } catch (error) {
    if (error.name === "AbortError" || !(error instanceof Problem)) return;
    line.textContent = error.errors.map(complaint).join(" ") || error.message;
    line.classList.add("wrong");
  }
}

function showError(error) {
  const box = document.getElementById("form-error");
  let shown = false;
  for (const { field, message } of error.errors ?? []) {
    const name = field.split(".")[0];
    const place = form().querySelector(`[data-error="${CSS.escape(name)}"]`);
    if (!place) continue;
    place.textContent = complaint({ field, message });
    place.hidden = false;
    form().elements[name]?.setAttribute?.("aria-invalid", "true");
    shown = true;
  }
  box.hidden = shown;
  box.querySelector("p").textContent = error.message;
  if (!shown) box.focus();
  announce(error.message);
}

/** A field's error with the control's label instead of the API's name and value. */
function complaint({ field, message }) {
  const name = field.split(".")[0];
  const label = form().querySelector(`label[for="${CSS.escape(name)}"], [data-slot="${CSS.escape(name)}"] legend`);
  if (!label) return message;
  const said = message === "Field required" ? "choose one first" : message.replace(/^[\w.]+=[^:]*: /, "");
  return `${label.textContent.trim()}: ${said}`;
}

function clearErrors() {
  document.getElementById("form-error").hidden = true;
  for (const place of form().querySelectorAll("[data-error]")) place.hidden = true;
  for (const control of form().querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
}

function clearError(control) {
  control.removeAttribute("aria-invalid");
  const place = control.closest(".field, .slot")?.querySelector("[data-error]");
  if (place) place.hidden = true;
}
