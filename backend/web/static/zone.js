// The browser knows its reader's time zone: written into the field while no digest is wanted yet.
"use strict";

const field = document.querySelector("input[data-guess]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (field && zone) field.value = zone;
