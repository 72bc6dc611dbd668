const [quote, backslash, openList, closeList, openObject, closeObject] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

/** True for JSON whose lists and objects stand within each other more than so many times; of other text it says anything. */
export function isDeeperThan(limit: number, json: string): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (inText) {
      if (code === backslash) at++;
      else if (code === quote) inText = false;
    } else if (code === quote) inText = true;
    else if (code === openList || code === openObject) {
      if (++depth > limit) return true;
    } else if (code === closeList || code === closeObject) depth--;
  }
  return false;
}
