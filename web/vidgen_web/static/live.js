// One event stream for the page. Progress is shown in place; when a job starts or ends, the lists are fetched anew.
import { announce } from "./announce.js";
import { apiUrl } from "./api.js";
import { fetchPage, put, reconcile, showIf } from "./page.js";
import { showProgress } from "./progress.js";
import { say } from "./words.js";

const CHANGES = ["job.queued", "job.changed", "job.running", "job.requeued", "job.succeeded", "job.failed", "job.cancelled"];
const ENDS = { "job.succeeded": say("Done"), "job.failed": say("Failed"), "job.cancelled": say("Cancelled") };
const SETTLE_MS = 120;
const POLL_MS = 4000;

let source = null;
let polling = null;
let settling = null;
let spoken = 0;
let held = false;
let missed = false;
const listeners = [];

/** Call `listener` whenever the lists were brought up to date. */
export function onRefresh(listener) {
  listeners.push(listener);
}

/** Follow all jobs while the tab is visible: a hidden tab gives its connection back. */
export function followJobs() {
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open(true)));
  addEventListener("pagehide", close);
  if (!document.hidden) open(false);
}

/** Leave the lists as they are: what is being dragged must stay in the page. */
export function hold() {
  held = true;
}

/** Bring the lists up to date again, when they changed meanwhile. */
export function release() {
  held = false;
  if (missed) settle();
  missed = false;
}

/** Fetch the page and bring queue, gallery and viewer up to date. */
export async function refresh() {
  const shown = document.getElementById("viewer").dataset.job;
  const sieved = document.getElementById("gallery").dataset.query;
  const query = new URLSearchParams(sieved);
  if (shown) query.set("job", shown);
  const url = `/?${query}`;
  const began = performance.now();
  let page;
  try {
    page = await fetchPage(url);
  } catch {
    return; // the stream says when the service is there again
  }
  if (held) {
    missed = true;
    return;
  }
  // searched otherwise or starred meanwhile: these cards are not those that are asked for now
  const { query: asked, changed } = document.getElementById("gallery").dataset;
  if (asked !== sieved || Number(changed ?? 0) > began) return refresh();
  put(page, "queue-head");
  put(page, "queue-notes");
  put(page, "queue-more");
  reconcile(page, "queue-rows");
  bringCards(page);
  showIf("queue-empty", !document.querySelector("#queue-rows > li"));
  put(page, "project-names");
  showIf("gallery-empty", !document.querySelector("#gallery-cards > li"));
  const viewer = document.getElementById("viewer");
  const fresh = page.getElementById("viewer");
  if (viewer.dataset.job === shown && fresh && fresh.dataset.status !== viewer.dataset.status) put(page, "viewer");
  for (const listener of listeners) listener();
}

function open(again) {
  if (source) return;
  source = new EventSource(apiUrl("/events"));
  for (const kind of CHANGES) source.addEventListener(kind, (event) => changed(kind, JSON.parse(event.data)));
  source.addEventListener("job.progress", (event) => progressed(JSON.parse(event.data)));
  source.addEventListener("snapshot", (event) => JSON.parse(event.data).jobs.forEach(showProgress));
  source.addEventListener("open", () => stopPolling());
  source.addEventListener("error", () => {
    // closed for good (too many streams are open): ask now and then instead
    if (source?.readyState === EventSource.CLOSED) {
      source = null;
      polling ??= setInterval(refresh, POLL_MS);
    }
  });
  if (again) settle();
}

function close() {
  source?.close();
  source = null;
  stopPolling();
}

function stopPolling() {
  clearInterval(polling);
  polling = null;
}

function changed(kind, job) {
  showProgress(job);
  if (kind in ENDS) announce(`${ENDS[kind]}: ${job.spec.prompt || say("clip")}`);
  settle();
}

function progressed(job) {
  showProgress(job);
  if (Date.now() - spoken > 10000 && job.total_steps) {
    spoken = Date.now();
    announce(say("Step %(n)s of %(all)s", { n: job.step, all: job.total_steps }));
  }
}

function settle() {
  clearTimeout(settling);
  settling = setTimeout(refresh, SETTLE_MS);
}

/** The gallery's cards as the page has them, as far as that goes down: what came, what is gone, what was starred. */
function bringCards(page) {
  const list = document.getElementById("gallery-cards");
  const fresh = page.getElementById("gallery-cards");
  if (!list || !fresh) return;
  // the first clip, or the first project, brings something to search by
  if (Boolean(page.getElementById("sieve")) !== Boolean(document.getElementById("sieve"))) return put(page, "gallery");
  if (page.getElementById("project-filter") && !document.getElementById("project-filter")) return put(page, "gallery");
  const cards = [...fresh.children];
  const whole = !page.getElementById("load-more");
  const last = whole ? null : document.getElementById(cards.at(-1).id);
  const kept = new Set(cards.map((card) => card.dataset.key));
  for (const card of [...list.children]) {
    const further = last && last.compareDocumentPosition(card) & Node.DOCUMENT_POSITION_FOLLOWING;
    if (!kept.has(card.dataset.key) && !further) card.remove();
  }
  let before = null;
  for (const card of cards) {
    const known = document.getElementById(card.id);
    if (!known) before ? before.after(card) : list.prepend(card);
    else if (known.classList.contains("starred") !== card.classList.contains("starred")) known.replaceWith(card);
    before = document.getElementById(card.id);
  }
}
