package unsubscribe

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

// The fields of our own forms. None of them is one that a mail program sends.
const (
	scopeField   = "scope"
	listField    = "list"
	actField     = "act"
	addressField = "address"
)

// Values of actField: what a button does. A body without one does nothing.
const (
	actStop    = "stop"
	actChoices = "choices"
	actUndo    = "undo"
)

// page is what the template shows. Nothing in it is personal: no page, title or
// address of one tells whom it is about.
type page struct {
	Lang, Title string
	Paragraphs  []string
	Error       string
	Form        *pageForm
	Undo        []undoForm
	UndoAsk     string
	After       string
	// Elsewhere is a link to another of our pages, relative to this one.
	Elsewhere, ElsewhereText string
}

// pageForm posts to the page's own URL.
type pageForm struct {
	// AddressLabel is set where an address is asked for. The browser does not judge it:
	// what it says would be in its own language, and often gone before it is read.
	AddressLabel string
	// AddressType and AddressKind tell the browser which keyboard to show, and what to
	// offer to fill in.
	AddressType, AddressKind string
	Invalid                  bool
	Legend                   string
	Options                  []pageOption
	Many                     bool // check boxes instead of radio buttons
	Act, Button              string
}

type pageOption struct {
	Name, Value, Label string
	Checked            bool
	// Stopped is the word for what was chosen before, and cannot be chosen again.
	Stopped string
}

// undoForm posts to a URL beside the page's: a token of its own.
type undoForm struct{ Token, Label, Button string }

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow"><meta name="referrer" content="no-referrer">
<title>{{.Title}}</title><style>` + pageStyle + `</style></head>
<body><main>
<h1>{{.Title}}</h1>
{{- if .Error}}
<p class="error" id="error" role="alert">{{.Error}}</p>
{{- end}}
{{- range .Paragraphs}}
<p>{{.}}</p>
{{- end}}
{{- with .Form}}
<form method="post"{{if .AddressLabel}} novalidate{{end}}>
{{- if .AddressLabel}}
<label class="over" for="address">{{.AddressLabel}}</label>
<input type="{{.AddressType}}" id="address" name="address" autocomplete="{{.AddressKind}}" autocapitalize="none" spellcheck="false" maxlength="320" required
{{- if .Invalid}} aria-invalid="true" aria-describedby="error" autofocus{{end}}>
{{- end}}
{{- if .Options}}
<fieldset><legend>{{.Legend}}</legend>
{{- $many := .Many}}
{{- range .Options}}
<label><input type="{{if $many}}checkbox{{else}}radio{{end}}" name="{{.Name}}" value="{{.Value}}"
{{- if .Checked}} checked{{end}}{{if .Stopped}} disabled{{end}}> <span>{{.Label}}{{if .Stopped}} <span class="soft">({{.Stopped}})</span>{{end}}</span></label>
{{- end}}
</fieldset>
{{- end}}
<button type="submit" name="act" value="{{.Act}}">{{.Button}}</button>
</form>
{{- end}}
{{- if .Undo}}
<p class="soft">{{.UndoAsk}}</p>
{{- range .Undo}}
<form method="post" action="{{.Token}}"><button class="quiet" type="submit" name="act" value="undo"{{if .Label}} aria-label="{{.Button}}: {{.Label}}"{{end}}>{{.Button}}{{if .Label}}: {{.Label}}{{end}}</button></form>
{{- end}}
{{- end}}
{{- if .After}}
<p class="soft">{{.After}}</p>
{{- end}}
{{- if .Elsewhere}}
<p><a href="{{.Elsewhere}}">{{.ElsewhereText}}</a></p>
{{- end}}
</main></body>
</html>
`))

// guardHeaders keep the page, and its address, to whoever opened it.
func guardHeaders(h http.Header) {
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer") // the address is a credential
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Vary", "Accept-Language")
}

func (p *page) write(w http.ResponseWriter, status int) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", p.Lang)
	w.WriteHeader(status)
	// It was only written to the client: there is nobody to tell of an error.
	_ = pageTemplate.Execute(w, p)
}

// words are the texts of one answer with the names put in.
type words struct {
	localTexts
	names Names
	known bool // the list's name
	put   *strings.Replacer
}

func (p *Pages) words(t localTexts, n Names, list string) *words {
	w := &words{localTexts: t, names: n}
	listName := ""
	for _, l := range n.Lists {
		if l.ID == list && l.Title != "" {
			listName, w.known = l.Title, true
		}
	}
	w.put = strings.NewReplacer("{sender}", orElse(n.Sender, t.ThisSender), "{company}", orElse(p.c.Company, t.ThisCompany),
		"{list}", listName, "{minutes}", strconv.Itoa(int(p.undo().Minutes())))
	return w
}

func (w *words) fill(s string) string { return w.put.Replace(s) }

// naming is words with another list's name.
func (w *words) naming(p *Pages, list string) *words { return p.words(w.localTexts, w.names, list) }

func orElse(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

// plain is a page of a title and a text.
func (w *words) plain(title, text string) *page {
	return &page{Lang: w.Tag, Title: w.fill(title), Paragraphs: []string{w.fill(text)}}
}
