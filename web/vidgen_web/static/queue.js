// Waiting clips are put in order by dragging; the menu of each row does the same step by step.
import { announce, complain } from "./announce.js";
import { call } from "./api.js";
import { hold, refresh, release } from "./live.js";
import { say } from "./words.js";

let dragged = null;

export function startQueue() {
  document.addEventListener("dragstart", (event) => {
    const row = event.target.closest?.("#queue-rows > .queued");
    if (!row) return;
    dragged = row;
    hold();
    event.dataTransfer.effectAllowed = "move";
  });
  document.addEventListener("dragover", (event) => {
    const over = dragged && place(event);
    mark(over);
    if (over) event.preventDefault();
  });
  document.addEventListener("dragend", () => {
    dragged = null;
    mark(null);
    release();
  });
  document.addEventListener("drop", (event) => {
    const over = dragged && place(event);
    if (!over) return;
    event.preventDefault();
    move(dragged, over.next);
  });
}

/** Where the row would come to lie: the row under the pointer, and the one that would follow. */
function place(event) {
  const row = event.target.closest?.("#queue-rows > .queued");
  if (!row || row === dragged) return null;
  const box = row.getBoundingClientRect();
  const below = event.clientY > box.top + box.height / 2;
  const next = below ? following(row)[0] : row;
  return { row, below, next: next === dragged ? following(dragged)[0] : next };
}

function following(row) {
  const rows = [...document.querySelectorAll("#queue-rows > .queued")];
  return rows.slice(rows.indexOf(row) + 1);
}

function mark(over) {
  for (const row of document.querySelectorAll("#queue-rows > li")) {
    row.classList.toggle("drop-above", row === over?.row && !over.below);
    row.classList.toggle("drop-below", row === over?.row && over.below);
  }
}

async function move(row, next) {
  // a job can be put before another one: to the end it comes when all that follow are put before it
  const steps = next ? [[row, next]] : following(row).map((other) => [other, row]);
  try {
    for (const [job, before] of steps) await call("POST", `/jobs/${job.dataset.job}/move`, { json: { before: before.dataset.job } });
    announce(say("Moved"));
  } catch (problem) {
    complain(problem);
  }
  await refresh();
}
