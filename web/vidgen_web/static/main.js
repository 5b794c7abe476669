// Boots the studio page. Everything here works as plain forms and links without these modules.
import { startComposer } from "./composer.js";
import { startGallery } from "./gallery.js";
import { followJobs } from "./live.js";
import { startSwaps } from "./page.js";
import { startViewer } from "./viewer.js";

document.documentElement.classList.add("js");
startSwaps();
startComposer();
startViewer();
startGallery();
followJobs();
