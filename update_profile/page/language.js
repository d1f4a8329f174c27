// The texts in the person's language. A file `strings.<language>.js` beside this one is all that a translation needs.

const FALLBACK = "en";
const offered = document.querySelector('meta[name="approve:languages"]').content.split(" ");
const wanted = navigator.languages.map((tag) => tag.toLowerCase().split("-")[0]);
const language = wanted.find((tag) => offered.includes(tag)) ?? FALLBACK;

export const { TEXT } = await import(`./strings.${language}.js`);

document.documentElement.lang = language;
document.querySelector("header").textContent = TEXT.page;
