package unsubscribe

import (
	"crypto/sha256"
	"encoding/base64"
)

// pageStyle is small enough to be read, works without an image or a font, in the
// dark, and at any width. Its colours have a contrast of 7 to 1 and more for text (WCAG 2.2,
// 1.4.6), and what can be pressed is 44 pixels high (2.5.5).
const pageStyle = `
:root{color-scheme:light dark;--bg:#f4f4f1;--card:#fff;--text:#1b1b1a;--soft:#4a4a46;--line:#75756f;--act:#12437a;--on:#fff}
@media(prefers-color-scheme:dark){:root{--bg:#141414;--card:#1f1f1e;--text:#f1f1ee;--soft:#c4c4be;--line:#8d8d86;--act:#a9cdf7;--on:#0c1a2a}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:1.0625rem/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:8vh auto;padding:2rem;background:var(--card);border:1px solid transparent;border-radius:.75rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
p{margin:0 0 1rem}
.soft{color:var(--soft)}
fieldset{border:0;margin:0 0 1.25rem;padding:0}
legend{padding:0;margin-bottom:.5rem;font-weight:600}
label{display:flex;gap:.75rem;align-items:center;min-height:44px;padding:.25rem 0}
label.over{display:block;min-height:0;font-weight:600}
input[type=radio],input[type=checkbox]{flex:none;width:1.25rem;height:1.25rem;margin:0;accent-color:var(--act)}
input:not([type=radio],[type=checkbox]){display:block;width:100%;min-height:44px;margin-bottom:1.25rem;padding:.5rem .75rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:.5rem}
button{min-height:44px;padding:.5rem 1.25rem;font:inherit;font-weight:600;color:var(--on);background:var(--act);border:2px solid var(--act);border-radius:.5rem;cursor:pointer}
button.quiet{color:var(--act);background:transparent}
a{color:var(--act)}
form+p,form+form{margin-top:1rem}
main>:last-child{margin-bottom:0}
.error{border-left:4px solid #b3261e;padding-left:.75rem}
:focus-visible{outline:3px solid var(--act);outline-offset:3px}
@media(max-width:36rem){main{margin:0;min-height:100vh;border-radius:0;padding:1.5rem}}
@media(forced-colors:active){main,button{border-color:CanvasText}}
`

// pagePolicy lets the pages do what they do and nothing else. No script runs, so
// none that was smuggled in either; forms go to the same host alone.
var pagePolicy = func() string {
	h := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(h[:]) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}()
