// Why the page cannot start, and what to do: fetched by start.js when that is so. In old syntax, too.
(function () {
  "use strict";

  var trouble = window.ditscopeTrouble;

  // See src/ui/language.rs.
  var asked = /[?&]lang=(en|de)/.exec(location.search);
  var german = ((asked && asked[1]) || trouble.kept("ditscope-language") || navigator.language || "").replace(/"/g, "").slice(0, 2) === "de";

  var TEXTS = {
    wasm: [
      "This browser runs no WebAssembly, which ditscope is made of. It may be switched off here: by Lockdown Mode, by a policy of your organisation, or in the browser's settings. Allow it for this page, or open the page in another browser.",
      "Dieser Browser führt kein WebAssembly aus, und daraus besteht ditscope. Vielleicht ist es hier abgeschaltet: durch den Blockierungsmodus, eine Richtlinie Ihrer Organisation oder in den Einstellungen. Erlauben Sie es für diese Seite, oder öffnen Sie sie in einem anderen Browser."
    ],
    simd: [
      "This browser's WebAssembly has no SIMD, the instructions that work on several numbers at once, and ditscope is built with them. Update the browser, or open the page on another device.",
      "Das WebAssembly dieses Browsers kennt kein SIMD, die Befehle für mehrere Zahlen zugleich, und ditscope ist damit gebaut. Aktualisieren Sie den Browser, oder öffnen Sie die Seite auf einem anderen Gerät."
    ],
    old: [
      "This browser is too old for ditscope. Any browser of 2023 or later will do.",
      "Dieser Browser ist zu alt für ditscope. Jeder Browser ab 2023 genügt."
    ],
    file: [
      "The page was opened as a file, and browsers load a program from a web server only. In this folder, start one (for example “python3 -m http.server”) and open the address that it names.",
      "Die Seite wurde als Datei geöffnet, und Browser laden ein Programm nur von einem Webserver. Starten Sie in diesem Ordner einen (etwa „python3 -m http.server“), und öffnen Sie die Adresse, die er nennt."
    ],
    sandbox: [
      "The frame around this page is sandboxed so that the page may not load its own program. Whoever embeds it has to add “allow-same-origin” to the frame's sandbox attribute, beside “allow-scripts”.",
      "Der Rahmen um diese Seite verbietet ihr (sandbox), ihr eigenes Programm zu laden. Wer sie einbettet, muss dem Attribut sandbox neben „allow-scripts“ auch „allow-same-origin“ geben."
    ],
    missing: [
      "A part of the page is not on the server any more (%s). It was probably updated just now: reload it.",
      "Ein Teil der Seite ist nicht mehr auf dem Server (%s). Wahrscheinlich wurde sie gerade aktualisiert: Laden Sie sie neu."
    ],
    type: [
      "The server sends a script of the page as another kind of file (%s), and browsers do not run that. Whoever hosts the page has to send *.js as text/javascript.",
      "Der Server schickt ein Skript der Seite als eine andere Art von Datei (%s), und Browser führen das nicht aus. Wer die Seite bereitstellt, muss *.js als text/javascript schicken."
    ],
    damaged: [
      "A part of the page came damaged or cut off (%s). Reload the page.",
      "Ein Teil der Seite kam beschädigt oder abgeschnitten an (%s). Laden Sie die Seite neu."
    ],
    offline: [
      "A part of the page could not be fetched (%s). Check the connection, then reload the page.",
      "Ein Teil der Seite ließ sich nicht laden (%s). Prüfen Sie die Verbindung, und laden Sie die Seite neu."
    ],
    stopped: [
      "The page's program stopped as it started (%s). Reload the page; if that does not help, try another browser.",
      "Das Programm der Seite blieb beim Start stehen (%s). Laden Sie die Seite neu; wenn das nicht hilft, versuchen Sie einen anderen Browser."
    ]
  };

  function tell(key, detail) {
    var boot = document.getElementById("boot");
    if (!boot) return;
    var words = boot.lastElementChild;
    words.textContent = TEXTS[key][german ? 1 : 0].replace("%s", detail || "");
    var reload = document.createElement("button");
    reload.type = "button";
    reload.textContent = german ? "Neu laden" : "Reload";
    reload.onclick = function () {
      location.reload();
    };
    boot.appendChild(reload);
    boot.setAttribute("role", "alert");
    document.documentElement.lang = german ? "de" : "en";
  }

  // What is wrong with a file of the page, if anything is; `digest` is that of the file as it was built.
  function look(address, digest) {
    var name = address.split("/").pop();
    return fetch(address, { cache: "no-store" }).then(
      function (response) {
        var type = response.headers.get("content-type") || "";
        if (!response.ok || /html/.test(type)) return ["missing", name];
        if (/\.js$/.test(name) && !/javascript|ecmascript/.test(type)) return ["type", name + ": " + type];
        if (digest) return unlike(address, digest, name);
        if (!/\.wasm$/.test(name)) return null;
        return response.arrayBuffer().then(
          function (bytes) {
            return WebAssembly.validate(bytes) ? null : ["damaged", name];
          },
          function () {
            return ["damaged", name];
          }
        );
      },
      function () {
        return ["offline", name];
      }
    );
  }

  // The server answers: where the browser does not take the answer, it is another file than was built.
  function unlike(address, digest, name) {
    return fetch(address, { cache: "no-store", integrity: digest }).then(
      function () {
        return null;
      },
      function () {
        return ["damaged", name];
      }
    );
  }

  if (trouble.lacks) return tell(trouble.lacks);

  // The program did not start: the reason is looked for in its files, one after the other.
  var files = document.querySelectorAll('link[rel="preload"], script[type="module"][src]');
  Array.prototype.reduce
    .call(
      files,
      function (found, file) {
        return found.then(function (why) {
          return why || look(file.src || file.href, file.integrity);
        });
      },
      Promise.resolve(null)
    )
    .then(function (why) {
      tell(why ? why[0] : "stopped", why ? why[1] : trouble.message);
    });
})();
