// The language of those that the browser's user reads, as web/app/language.cpp has it.
const SPANISH = ['es', 'ca', 'gl', 'eu', 'ast', 'an', 'ext', 'qu', 'gn', 'ay'];

/** 'es' or 'en' for a code such as "es-MX", "en" or "ca"; '' for another language. */
export function known(code) {
  const head = (code ?? '').toLowerCase().split(/[-_.]/)[0];
  return SPANISH.includes(head) ? 'es' : head === 'en' ? 'en' : '';
}

/** The first known one of the browser's languages; English when there is none. */
export function preferred() {
  const codes = navigator.languages?.length ? navigator.languages : [navigator.language];
  return codes.map(known).find(Boolean) ?? 'en';
}
