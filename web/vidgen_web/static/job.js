// Boots the page of one job.
import { announce } from "./announce.js";
import { apiUrl } from "./api.js";
import { startConfirm } from "./confirm.js";
import { showProgress } from "./progress.js";
import { startSwaps, swap } from "./page.js";
import { startViewer } from "./viewer.js";
import { say } from "./words.js";

const TERMINAL = new Set(["succeeded", "failed", "cancelled"]);

startConfirm();
startSwaps();
startViewer();

const viewer = document.getElementById("viewer");
if (!TERMINAL.has(viewer.dataset.status)) {
  const source = new EventSource(apiUrl(`/jobs/${viewer.dataset.job}/events`));
  const follow = async (event) => {
    const job = JSON.parse(event.data);
    showProgress(job);
    if (TERMINAL.has(job.status)) {
      source.close();
      announce(job.status === "succeeded" ? say("The clip is done.") : say("The job has ended."));
      await swap(location.href, ["viewer"]);
    }
  };
  for (const kind of ["snapshot", "job.queued", "job.running", "job.progress", "job.requeued", "job.succeeded", "job.failed", "job.cancelled"]) {
    source.addEventListener(kind, follow);
  }
}
