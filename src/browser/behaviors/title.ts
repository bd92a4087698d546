/** The number of conversations with something unread, before the page's title. */

const COUNT_MAX = 99;
const counted = /^\((\d+)\+?\) /;
let count = Number(counted.exec(document.title)?.[1] ?? 0);

/** Changes the number by what it is now. */
export function setUnreadConversations(next: (count: number) => number): void {
  count = Math.max(0, next(count));
  const plain = document.title.replace(counted, "");
  const shown = count > COUNT_MAX ? `${COUNT_MAX}+` : String(count);
  const title = count > 0 ? `(${shown}) ${plain}` : plain;
  if (document.title !== title) document.title = title;
}
