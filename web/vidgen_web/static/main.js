// Boots the studio page. Everything here works as plain forms and links without these modules.
// What only a clip needs is fetched with the first one.
import { startComposer } from "./composer.js";
import { startConfirm } from "./confirm.js";
import { startDropping } from "./dropping.js";
import { startForms } from "./forms.js";
import { followJobs, onRefresh } from "./live.js";
import { onSwap, startSwaps } from "./page.js";

startConfirm();
startSwaps();
startForms();
startComposer();
startDropping();
followJobs();

/** The module that knows `id`, once there is something in it. */
function once(id, holds, load) {
  let asked = false;
  const look = () => {
    if (asked || !document.querySelector(holds)) return;
    asked = true;
    load();
  };
  onSwap((swapped) => swapped === id && look());
  onRefresh(look);
  look();
}

once("viewer", "#player", async () => (await import("./viewer.js")).startViewer());
once("viewer", "#frame-form", async () => (await import("./next.js")).startNext());
once("gallery", "#gallery-cards > li, #sieve", async () => (await import("./gallery.js")).startGallery());
once("queue", "#queue-rows > .queued", async () => (await import("./queue.js")).startQueue());
once("composer", "#section-motion", async () => (await import("./motion.js")).startMotion());
