// Says at once why loader.js cannot run. No module, and old JavaScript: this runs where modules are refused (a page opened
// as a file, a sandboxed frame). While it has not run, index.html shows a text of its own.
(function () {
  var root = document.documentElement;
  var blocked = false;
  var told = false;
  root.classList.add('early');

  var SLOW = ['La página tarda en llegar. Comprueba la conexión y vuelve a cargarla.',
    'The page is slow to arrive. Check the connection and reload it.'];
  var FILE = ['La página se ha abierto como archivo, y así el navegador no deja correr sus programas. Ábrela desde un servidor web: ./run demo.',
    'The page was opened as a file, and so the browser does not let its programs run. Open it from a web server: ./run demo.'];
  var SANDBOX = ['La página está en un marco aislado (sandbox) que no deja correr sus programas. Ábrela en una pestaña propia.',
    'The page is in a sandboxed frame, which does not let its programs run. Open it in a tab of its own.'];
  var BLOCKED = ['Una norma de seguridad (Content-Security-Policy) bloquea los programas de esta página.',
    'A security policy (Content-Security-Policy) blocks the programs of this page.'];
  var OLD = ['Este navegador es demasiado antiguo para el curso: prueba con una versión reciente de Firefox, Chrome, Edge o Safari.',
    'This browser is too old for the course: try a recent version of Firefox, Chrome, Edge or Safari.'];
  var ABSENT = ['Un programa de esta página no llegó: falta en el servidor o falló la conexión. Vuelve a cargarla.',
    'A program of this page did not arrive: the server lacks it or the connection failed. Reload it.'];

  function put(words) {
    var late = document.getElementById('late');
    if (!late) return false;  // loader.js runs, and speaks for itself
    late.textContent = '';
    late.appendChild(document.createTextNode(words[0]));
    for (var i = 0; i < 2; ++i) late.appendChild(document.createElement('br'));
    late.appendChild(document.createTextNode(words[1]));
    return true;
  }

  function tell(words) {
    if (told || !put(words)) return;
    told = true;
    root.classList.add('failed');
  }

  function reason() {
    if (location.protocol === 'file:') return FILE;
    if (blocked) return BLOCKED;
    if (self.origin === 'null') return SANDBOX;
    return ABSENT;
  }

  document.addEventListener('securitypolicyviolation', function (event) {
    if (event.disposition !== 'enforce' || !/^script-src/.test(event.effectiveDirective) || !/loader|variant|language/.test(event.blockedURI)) return;
    blocked = true;
    if (told) put(BLOCKED);
    else tell(BLOCKED);
  });
  window.addEventListener('error', function (event) {
    if (event.target && event.target.tagName === 'SCRIPT') tell(reason());
    else if (/(loader|variant|language)\.js/.test(event.filename || '')) tell(/SyntaxError/.test(event.message) ? OLD : [event.message, '']);
  }, true);
  document.addEventListener('readystatechange', function () {
    if (told || document.readyState !== 'interactive') return;
    if (!('noModule' in document.createElement('script'))) tell(OLD);
    else put(SLOW);
  });
}());
