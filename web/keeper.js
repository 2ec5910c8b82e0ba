// Registers the service worker, which keeps the page for when there is no network, and says what becomes of it. Fetched by
// start.js a while after the page has loaded.
(function () {
  "use strict";

  // Offline: what the page shows of it is in its style sheet and its words ([data-offline], [data-update]).
  function say(name) {
    document.documentElement.setAttribute("data-" + name, "");
  }

  var meta = document.querySelector('meta[name="offline"]');
  var workers;
  try {
    workers = navigator.serviceWorker;
  } catch (refused) {}
  if (!workers) return;
  if (!meta) {
    // Left over from a build that had one.
    workers.getRegistrations().then(function (all) {
      all.forEach(function (registration) {
        registration.unregister();
      });
    });
    return;
  }
  var isEmbedded = /[?&]embed=1/.test(location.search);
  var savesData = navigator.connection && navigator.connection.saveData;
  if (!workers.controller && (isEmbedded || savesData)) return;
  if (workers.controller) say("offline");
  workers.register(meta.content).then(
    function (registration) {
      function follow(worker) {
        if (!worker) return;
        worker.addEventListener("statechange", function () {
          if (worker.state === "activated") say("offline");
          if (worker.state === "installed" && workers.controller) say("update");
        });
      }
      if (registration.waiting && workers.controller) say("update");
      follow(registration.installing);
      registration.addEventListener("updatefound", function () {
        follow(registration.installing);
      });
      // A tab may stay open for days.
      setInterval(function () {
        registration.update().catch(function () {});
      }, 3600000);
    },
    function () {}
  );
})();
