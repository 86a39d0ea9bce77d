// Package unsubscribepages reads the pages of opt-outs in a real browser, by
// keyboard and without scripts.
package unsubscribepages

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/browser"
	"github.com/trothdev/troth/storage/keyfile"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/unsubscribemem"
	"github.com/trothdev/troth/unsubscribe"
)

const reader = "canary.person@canary-mail.example"

// host is a host application with the pages, behind TLS.
type host struct {
	*testing.T
	registry *unsubscribe.Registry
	links    *unsubscribe.Links
	server   *httptest.Server
	tab      *browser.Tab

	mu       sync.Mutex
	requests []string // method and path of each
	leaks    []string // what a request should not have had with it
}

func newHost(t *testing.T, b *browser.Browser) *host {
	t.Helper()
	h := &host{T: t}
	file := filepath.Join(t.TempDir(), "troth.keys")
	require.NoError(t, keyfile.Create(file, "open sesame"))
	keys, err := keyfile.Open(file, "open sesame")
	require.NoError(t, err)
	store := unsubscribemem.New(memory.Open())
	h.registry, err = unsubscribe.New(t.Context(), unsubscribe.Config{
		Store: store, Recorder: troth.UnsafeNoEvidence(store.Transactor()), Keys: keys,
	})
	require.NoError(t, err)
	var pages *unsubscribe.Pages
	h.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.note(r)
		pages.ServeHTTP(w, r)
	}))
	t.Cleanup(h.server.Close)
	h.links, err = unsubscribe.NewLinks(unsubscribe.LinksConfig{Keys: keys, Base: h.server.URL})
	require.NoError(t, err)
	require.NoError(t, h.links.SelfTest(t.Context()))
	pages, err = unsubscribe.NewPages(unsubscribe.PagesConfig{
		Registry: h.registry, Links: h.links, Company: "Mailwork", Home: "acme",
		Names: func(context.Context, troth.Tenant, string) (unsubscribe.Names, error) {
			return unsubscribe.Names{Sender: "Acme Tools", Lists: []unsubscribe.ListName{
				{ID: "weekly", Title: "The weekly letter"}, {ID: "offers", Title: "Offers of the season"},
			}}, nil
		},
	})
	require.NoError(t, err)
	h.tab = b.Open(t)
	h.tab.Look(900, 700, "light", "en")
	t.Cleanup(func() {
		require.Empty(t, h.tab.Complaints, "the browser has nothing to complain of")
		require.Empty(t, h.leaks)
	})
	return h
}

func (h *host) note(r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, r.Method)
	for _, name := range []string{"Referer", "Cookie"} {
		if r.Header.Get(name) != "" {
			h.leaks = append(h.leaks, name)
		}
	}
	if strings.Contains(r.RequestURI, "canary") || strings.Contains(r.RequestURI, "?") {
		h.leaks = append(h.leaks, "an address with something in it")
	}
}

func (h *host) posts() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.requests {
		if m == http.MethodPost {
			n++
		}
	}
	return n
}

func (h *host) link(a unsubscribe.Action) string {
	h.Helper()
	u, err := h.links.URL(h.Context(), unsubscribe.Ticket{
		Action: a, Tenant: "acme", Channel: unsubscribe.Email, Address: troth.Protect(reader), List: "weekly", SentAt: time.Now(),
	})
	require.NoError(h, err)
	return u
}

func (h *host) stopped() string {
	h.Helper()
	var all []string
	for _, c := range []unsubscribe.Campaign{{Tenant: "acme", List: "weekly"}, {Tenant: "acme", List: "offers"}, {Tenant: "globex", List: "weekly"}} {
		c.Channel, c.Class = unsubscribe.Email, unsubscribe.Marketing
		d, err := h.registry.Check(h.Context(), c, troth.Protect(reader))
		require.NoError(h, err)
		all = append(all, fmt.Sprint(!d.Send))
	}
	return strings.Join(all, "/")
}

// sound demands of every page what every reader needs, and takes its picture.
func (h *host) sound(name string) {
	h.Helper()
	headings := h.tab.Find("heading")
	require.Len(h, headings, 1, name)
	require.Equal(h, 1, headings[0].Level)
	require.Len(h, h.tab.Find("main"), 1)
	title, at := h.tab.Title()
	require.Equal(h, headings[0].Name, title)
	require.NotContains(h, strings.ToLower(title+at+h.tab.HTML()), "canary", "nobody who looks over a shoulder, or at the history, learns who it was")
	for _, n := range h.tab.Tree() {
		if slices.Contains([]string{"radio", "checkbox", "button", "textbox", "link", "RadioButton"}, n.Role) {
			require.NotEmpty(h, n.Name, "%s: a %s has no label", name, n.Role)
		}
	}
	h.tab.Picture(name)
	h.tab.Look(320, 640, "dark", "en")
	require.LessOrEqual(h, h.tab.Width(), 320, "%s: nobody scrolls sideways on a telephone", name)
	h.tab.Picture(name + "-small-dark")
	h.tab.Look(900, 700, "light", "en")
}

// TestBrowser reads the pages as a person without a mouse does, in a browser that
// runs no script.
func TestBrowser(t *testing.T) {
	b := browser.Start(t)
	for name, test := range map[string]func(*testing.T, *host){
		"stop and undo": stopAndUndo, "choices": choices, "public form": publicForm, "no success": noSuccess, "languages": languages,
	} {
		t.Run(name, func(t *testing.T) { test(t, newHost(t, b)) })
	}
}

// stopAndUndo is the way of somebody without a mouse, through
// the link in a message.
func stopAndUndo(t *testing.T, h *host) {
	h.tab.Go(h.link(unsubscribe.ActionStop))
	h.sound("1-stop")
	require.Zero(t, h.posts())
	require.Equal(t, "false/false/false", h.stopped(), "opening it did nothing")

	h.tab.Press("Tab")
	focus := h.tab.Focus()
	require.Equal(t, "Only “The weekly letter”", focus.Name)
	require.True(t, focus.Checked, "%+v", focus)
	h.tab.Press("ArrowDown")
	focus = h.tab.Focus()
	require.Equal(t, "Everything from Acme Tools", focus.Name)
	require.True(t, focus.Checked)
	h.tab.Picture("2-stop-focus")
	h.tab.Press("Tab")
	require.Equal(t, browser.Node{Role: "button", Name: "Stop these messages", Focused: true}, h.tab.Focus())
	h.tab.Submit("Enter")
	require.Equal(t, "true/true/false", h.stopped())
	h.sound("3-done")

	h.tab.Press("Tab")
	require.Equal(t, "Undo", h.tab.Focus().Name)
	h.tab.Picture("4-done-focus")
	h.tab.Submit(" ")
	require.Equal(t, "false/false/false", h.stopped())
	h.sound("5-undone")
	require.Equal(t, 2, h.posts())
}

func choices(t *testing.T, h *host) {
	_, err := h.registry.OptOut(troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"}), unsubscribe.OptOutParams{
		Tenant: "acme", Channel: unsubscribe.Email, Address: troth.Protect(reader), Scope: unsubscribe.List, List: "weekly", Method: unsubscribe.ByReply,
	})
	require.NoError(t, err)
	h.tab.Go(h.link(unsubscribe.ActionChoices))
	h.sound("6-choices")
	boxes := h.tab.Find("checkbox")
	require.Len(t, boxes, 4)
	require.Equal(t, browser.Node{Role: "checkbox", Name: "The weekly letter (stopped)", Checked: true, Disabled: true}, boxes[0])

	h.tab.Press("Tab")
	require.Equal(t, "Offers of the season", h.tab.Focus().Name, "what is stopped is passed over")
	h.tab.Press(" ")
	require.True(t, h.tab.Focus().Checked)
	h.tab.Press("Tab", " ", " ", "Tab", "Tab")
	require.Equal(t, "Stop what is ticked", h.tab.Focus().Name)
	h.tab.Press("Shift+Tab")
	require.Equal(t, "checkbox", h.tab.Focus().Role)
	h.tab.Press("Tab")
	h.tab.Submit(" ")
	require.Equal(t, "true/true/false", h.stopped())
	h.sound("7-choices-done")
	require.Len(t, h.tab.Find("button"), 1, "a button to undo what was ticked, none for what was stopped before")
}

func publicForm(t *testing.T, h *host) {
	h.tab.Go(h.server.URL + "/stop")
	h.sound("8-form")
	h.tab.Press("Tab")
	require.Equal(t, "textbox", h.tab.Focus().Role)
	require.Equal(t, "E-mail address", h.tab.Focus().Name)
	h.tab.Type(reader)
	h.tab.Press("Tab", "ArrowDown")
	require.Equal(t, "Everything that is sent through Mailwork, from any sender", h.tab.Focus().Name)
	h.tab.Press("Tab")
	h.tab.Submit("Enter")
	require.Equal(t, "true/true/true", h.stopped())
	h.sound("9-form-done")
}

func noSuccess(t *testing.T, h *host) {
	h.tab.Go(h.server.URL + "/u/AQEKCwwNDg8QERITFBU")
	h.sound("10-unknown")
	h.tab.Complaints = nil // that the server answers 404
	h.tab.Press("Tab")
	require.Equal(t, browser.Node{Role: "link", Name: "Or give your address instead", Focused: true}, h.tab.Focus())
	h.tab.Submit("Enter")
	require.Equal(t, "Stop messages to an address", h.tab.Find("heading")[0].Name)
	h.tab.Press("Tab")
	h.tab.Type("reader")
	h.tab.Press("Tab", "ArrowDown", "Tab")
	h.tab.Submit("Enter")
	h.tab.Complaints = nil // 422
	h.sound("11-form-error")
	require.True(t, h.tab.Find("textbox")[0].Invalid)
	require.Equal(t, "textbox", h.tab.Focus().Role, "where it is to be mended")
	require.Len(t, h.tab.Find("alert"), 1)
	require.True(t, h.tab.Find("radio")[1].Checked, "what was chosen stays chosen")
	h.tab.Complaints = nil
}

// languages looks at the pages in each language.
func languages(t *testing.T, h *host) {
	for accepted, want := range map[string]string{
		"de-AT,de;q=0.9": "Nachrichten abbestellen", "fr-CA": "Arrêter les messages", "es-MX": "Dejar de recibir mensajes", "tlh": "Stop messages",
	} {
		h.tab.Look(900, 700, "light", accepted)
		h.tab.Go(h.link(unsubscribe.ActionStop))
		require.Equal(t, want, h.tab.Find("heading")[0].Name)
		h.tab.Picture("12-" + accepted[:2])
		h.tab.Look(320, 640, "light", accepted)
		require.LessOrEqual(t, h.tab.Width(), 320)
	}
}
