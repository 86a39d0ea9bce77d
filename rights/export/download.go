package export

import (
	"context"
	"errors"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// Download serves archives to who has the token of a ticket. GET shows a page with a
// button, and uses nothing: programs open links ahead of their readers. POST uses the
// ticket and streams the archive, once; whoever lost the connection needs a new ticket.
type Download struct {
	// Tenant says whose tickets a request may use.
	Tenant func(r *http.Request) (troth.Tenant, error)
	// Token takes the token from a request, as from a path value of its pattern.
	Token func(r *http.Request) string
	// Take uses the ticket of that hash, atomically: it finds it, asks [Ticket.Use],
	// stores what that returns and commits, before it returns the archive. Of two calls at
	// the same time one gets the archive, the other [ErrTicketUsed]. Any error but
	// [ErrTicket] and those that wrap it is a failure, by which nothing was used.
	Take func(ctx context.Context, tenant troth.Tenant, token Hash, at time.Time) (Delivery, error)
	// Done is told how a delivery ended, to record it; nil tells nobody.
	Done func(ctx context.Context, d Delivered)
	// Clock is time.Now if nil.
	Clock func() time.Time
}

// Delivery is an archive to be sent.
type Delivery struct {
	// Name is the name of the file for the browser: "export.zip.age" if empty, or if it is
	// no name of ASCII letters, digits, dots, hyphens and underscores. It must not be
	// personal.
	Name string
	// Size is the length in bytes, Body the archive; it is closed at the end.
	Size int64
	Body io.ReadCloser
}

// Delivered is how a delivery ended.
type Delivered struct {
	Tenant troth.Tenant
	Token  Hash
	// Sent is how many bytes were given to the connection, and Complete whether these
	// were all. That they arrived is not known.
	Sent     int64
	Complete bool
}

// ServeHTTP answers GET, HEAD and POST. No answer may be stored, and parts of a file
// are not served: a Range would use a ticket for a part.
func (d *Download) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the address is a credential
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Accept-Ranges", "none")
	t := textsForRequest(r.Header.Get("Accept-Language"))
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		t.show(w, http.StatusOK, t.DownloadTitle, t.DownloadText, t.DownloadButton)
	case http.MethodPost:
		d.post(w, r, t)
	default:
		h.Set("Allow", "GET, HEAD, POST")
		t.show(w, http.StatusMethodNotAllowed, t.BadTitle, t.BadText, "")
	}
}

func (d *Download) post(w http.ResponseWriter, r *http.Request, t *texts) {
	if r.Header.Get("Range") != "" {
		t.show(w, http.StatusRequestedRangeNotSatisfiable, t.BadTitle, t.BadText, "")
		return
	}
	now := time.Now
	if d.Clock != nil {
		now = d.Clock
	}
	if d.Tenant == nil || d.Token == nil || d.Take == nil {
		t.show(w, http.StatusServiceUnavailable, t.FailedTitle, t.FailedText, "")
		return
	}
	tenant, err := d.Tenant(r)
	if err != nil {
		t.show(w, http.StatusNotFound, t.UnknownTitle, t.UnknownText, "")
		return
	}
	token, err := HashToken(tenant, d.Token(r))
	if err == nil {
		var got Delivery
		if got, err = d.Take(r.Context(), tenant, token, now().UTC()); err == nil && got.Body != nil {
			d.send(w, r, got, Delivered{Tenant: tenant, Token: token})
			return
		}
	}
	switch {
	case errors.Is(err, ErrTicketUsed):
		t.show(w, http.StatusGone, t.UsedTitle, t.UsedText, "")
	case errors.Is(err, ErrTicketExpired):
		t.show(w, http.StatusGone, t.ExpiredTitle, t.ExpiredText, "")
	case errors.Is(err, ErrTicket):
		t.show(w, http.StatusNotFound, t.UnknownTitle, t.UnknownText, "")
	default: // nothing is told of the error: it may be about the person
		w.Header().Set("Retry-After", "60")
		t.show(w, http.StatusServiceUnavailable, t.FailedTitle, t.FailedText, "")
	}
}

// send streams the archive. What fails on the way breaks the connection, so that
// nobody takes a part for the whole.
func (d *Download) send(w http.ResponseWriter, r *http.Request, got Delivery, end Delivered) {
	defer func() { _ = got.Body.Close() }() // it was only read
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="`+fileName(got.Name)+`"`)
	h.Set("Content-Length", strconv.FormatInt(got.Size, 10))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	n, err := io.Copy(w, io.LimitReader(got.Body, got.Size))
	end.Sent, end.Complete = n, err == nil && n == got.Size
	if d.Done != nil {
		d.Done(context.WithoutCancel(r.Context()), end)
	}
	if !end.Complete {
		panic(http.ErrAbortHandler) // net/http's way to break a connection
	}
}

func fileName(name string) string {
	for _, c := range []byte(name) {
		if (c < '0' || '9' < c) && (c < 'A' || 'Z' < c) && (c < 'a' || 'z' < c) && c != '.' && c != '-' && c != '_' {
			name = ""
			break
		}
	}
	if name == "" || name[0] == '.' || len(name) > 100 {
		return "export.zip.age"
	}
	return name
}

type downloadPage struct {
	*texts
	Title, Text, Button string
}

// downloadPolicy lets the button do what it does, and nothing else.
var downloadPolicy = strings.Replace(pagePolicy, "form-action 'none'", "form-action 'self'", 1)

// Policy is that of a page with a button.
func (downloadPage) Policy() string { return downloadPolicy }

var downloadTemplate = template.Must(template.New("download").Parse(pageHead + `<p>{{.Text}}</p>
{{- if .Button}}
<form method="post"><button type="submit">{{.Button}}</button></form>
{{- end}}
` + pageFoot))

// show writes a page.
func (t *texts) show(w http.ResponseWriter, status int, title, text, button string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", t.Tag)
	h.Set("Vary", "Accept-Language")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", downloadPolicy+"; frame-ancestors 'none'")
	w.WriteHeader(status)
	// It was only written to the client: there is nobody to tell of an error.
	_ = downloadTemplate.Execute(w, downloadPage{t, title, text, button})
}
