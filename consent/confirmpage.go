package consent

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/netip"
	"strings"

	"github.com/trothdev/troth"
)

// ConfirmPage are the words of the page that a link in a confirmation leads to.
// Empty ones are English.
type ConfirmPage struct {
	// Language is a BCP 47 tag, "en" if empty.
	Language string
	Title    string
	// Ask stands above the button, Button on it.
	Ask, Button string
	// Done is shown when it is confirmed, Gone when the link confirms nothing.
	Done, Gone string
}

func (p ConfirmPage) filled() ConfirmPage {
	fill := func(s *string, or string) { *s = cmpOr(*s, or) }
	fill(&p.Language, "en")
	fill(&p.Title, "Confirm")
	fill(&p.Ask, "Please confirm that you asked for this. If it was not you, close this page: nothing happens then.")
	fill(&p.Button, "Confirm")
	fill(&p.Done, "Thank you, it is confirmed. You can withdraw at any time.")
	fill(&p.Gone, "This link confirms nothing: it was used before, or is too old.")
	return p
}

const confirmStyle = "body{font:1rem/1.5 sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}"

var confirmTemplate = template.Must(template.New("confirm").Parse(`<!doctype html>
<html lang="{{.Page.Language}}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>{{.Page.Title}}</title><style>` + confirmStyle + `</style></head>
<body><main><h1>{{.Page.Title}}</h1><p>{{.Text}}</p>
{{- if .Token}}
<form method="post"><input type="hidden" name="token" value="{{.Token}}"><button type="submit">{{.Page.Button}}</button></form>
{{- end}}
</main></body>
</html>
`))

// confirmPolicy lets the page do what it does and nothing else.
var confirmPolicy = func() string {
	h := sha256.Sum256([]byte(confirmStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(h[:]) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}()

// ConfirmConfig is what [Ledger.ConfirmHandler] needs.
type ConfirmConfig struct {
	// Tenant tells whose page a request is for.
	Tenant func(r *http.Request) (troth.Tenant, error)
	Page   ConfirmPage
	// Client tells the client's address for the evidence, where proxies stand in
	// between; nil takes that of the connection.
	Client func(r *http.Request) netip.Addr
}

// maxConfirmBody is longer than any form that the page sends.
const maxConfirmBody = 4 << 10

// ConfirmHandler serves the page that a confirmation's link leads to, with the
// token in the query parameter "token". GET and HEAD show a button and confirm
// nothing, so that programs which follow links in mail confirm nothing either;
// only the POST of that button does. The page needs no script. The POST may carry
// the actor of the host's middleware; without one the ledger itself acts.
func (l *Ledger) ConfirmHandler(c ConfirmConfig) http.Handler {
	c.Page = c.Page.filled()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", confirmPolicy)
		h.Set("Referrer-Policy", "no-referrer") // the address holds the token
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Robots-Tag", "noindex")
		h.Set("Content-Type", "text/html; charset=utf-8")
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			token := r.URL.Query().Get("token")
			if _, err := parseToken(token); err != nil {
				c.Page.write(w, http.StatusGone, c.Page.Gone, "")
				return
			}
			c.Page.write(w, http.StatusOK, c.Page.Ask, token)
		case http.MethodPost:
			l.confirmPost(w, r, &c)
		default:
			h.Set("Allow", "GET, HEAD, POST")
			c.Page.write(w, http.StatusMethodNotAllowed, c.Page.Gone, "")
		}
	})
}

func (p ConfirmPage) write(w http.ResponseWriter, status int, text, token string) {
	w.WriteHeader(status)
	// It was only written to the client: there is nobody to tell of an error.
	_ = confirmTemplate.Execute(w, struct {
		Page        ConfirmPage
		Text, Token string
	}{p, text, token})
}

func (l *Ledger) confirmPost(w http.ResponseWriter, r *http.Request, c *ConfirmConfig) {
	r.Body = http.MaxBytesReader(w, r.Body, maxConfirmBody)
	token := r.PostFormValue("token")
	tenant, err := c.Tenant(r)
	if err == nil {
		ctx := r.Context()
		if _, none := troth.ActorFrom(ctx); errors.Is(none, troth.ErrNoActor) {
			ctx = troth.WithActor(ctx, self)
		}
		_, err = l.Confirm(ctx, Confirmation{Tenant: tenant, Token: token, Evidence: l.evidenceOf(r, c)})
	}
	switch {
	case err == nil:
		c.Page.write(w, http.StatusOK, c.Page.Done, "")
	case errors.Is(err, ErrToken), errors.Is(err, ErrErased):
		c.Page.write(w, http.StatusGone, c.Page.Gone, "")
	default:
		l.log.Warn("consent: confirm failed")
		w.Header().Set("Retry-After", "60")
		c.Page.write(w, http.StatusServiceUnavailable, c.Page.Ask, "")
	}
}

// evidenceOf is what a request shows of who sends it, if it can be sealed.
func (l *Ledger) evidenceOf(r *http.Request, c *ConfirmConfig) (e Evidence) {
	if l.opt.sealer == nil {
		return e
	}
	var addr netip.Addr
	if c.Client != nil {
		addr = c.Client(r)
	} else if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		addr = at.Addr()
	}
	e.IP = troth.Protect(addr)
	e.UserAgent = troth.Protect(strings.ToValidUTF8(r.UserAgent(), ""))
	e.Page = troth.Protect(r.URL.Path)
	return e
}
