// Sends the page's own forms without leaving it: the very posts that the page sends without scripts.
import { announce, complain, noTrouble, told } from "./announce.js";
import { refresh } from "./live.js";
import { put, swap } from "./page.js";
import { say } from "./words.js";

/** What a form would send when this button (or none) submits it. Follows the redirect that answers it. */
export function send(form, submitter, more = {}) {
  const data = new FormData(form, submitter);
  for (const [name, value] of Object.entries(more)) data.set(name, value);
  return fetch(form.action, { method: "POST", body: data, headers: { Accept: "text/html" } });
}

export async function pageOf(response) {
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** What an answer that is a refusal says. */
export async function problemOf(response) {
  return (await pageOf(response)).querySelector("[data-problem]")?.textContent ?? say("The service did not answer.");
}

/** Forms marked data-live: sent, then the lists are brought up to date. */
export function startForms() {
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !event.target.matches("form[data-live]")) return;
    event.preventDefault();
    act(event.target, event.submitter);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-calm]")) noTrouble();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target) || event.target.closest("a.item")) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

async function act(form, submitter) {
  // a flag and not `disabled`, which would take the focus away
  if ("busy" in form.dataset) return;
  form.dataset.busy = "";
  showProblem(form, "");
  const opens = "opens" in form.dataset;
  try {
    const response = await send(form, submitter, opens ? { from: "studio" } : {});
    if (!response.ok) throw new Error(await problemOf(response));
    if (opens) open(response.url, await pageOf(response));
    if ("gone" in form.dataset) await leave();
    await refresh();
    noTrouble();
  } catch (error) {
    showProblem(form, told(error));
  }
  delete form.dataset.busy;
}

/** What the form has made is looked at. */
function open(url, page) {
  put(page, "viewer");
  history.pushState({}, "", url);
  announce(say("Queued"));
}

/** What was looked at is gone: the next clip of the gallery as it is searched is looked at. */
async function leave() {
  const url = `/?${document.getElementById("gallery").dataset.query}`;
  await swap(url, ["viewer"]);
  history.pushState({}, "", url);
  announce(say("Deleted"));
  document.getElementById("main").focus({ preventScroll: true });
}

function showProblem(form, text) {
  const inQueue = form.closest("#queue") && document.getElementById("queue-error");
  const line = form.querySelector("[data-form-error]") ?? inQueue;
  if (!line) return text && complain(new Error(text));
  line.hidden = !text;
  line.textContent = text;
  if (text) announce(text);
}
