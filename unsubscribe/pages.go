package unsubscribe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// Names are what people know a client and its lists by.
type Names struct {
	Sender string
	Lists  []ListName
}

// ListName is a list and what people know it by.
type ListName struct{ ID, Title string }

// PagesConfig is what [NewPages] needs.
type PagesConfig struct {
	Registry *Registry
	Links    *Links
	// Company is the host's own name, for the choice of everything.
	Company string
	// Names tells what to call a client and its lists, in a language of the
	// catalogue if there are several; nil calls them "this sender" and "this list".
	// Preference pages show these lists. An error of it costs the names and nothing
	// else.
	Names func(ctx context.Context, tenant troth.Tenant, language string) (Names, error)
	// Tenant tells whose pages a request is for, where every client has a host name of
	// its own: a link of another client is unknown there. Nil serves all links.
	Tenant func(r *http.Request) (troth.Tenant, error)
	// Home is the client that the public form is of where Tenant is nil, such as the
	// company itself. With neither there is no form.
	Home troth.Tenant
	// FormChannels are those that the public form stops: [Email] if there are none, and
	// [SMS] and [Messenger], by telephone number. Who gives a number stops both of these,
	// where both are given.
	FormChannels []Channel
	// Texts are [ShippedTexts] if nil; Language is what nobody asked another of, "en"
	// if empty.
	Texts    Catalogue
	Language string
	// Client tells the client's address, for limits and evidence, where proxies stand
	// in between; nil takes that of the connection.
	Client func(r *http.Request) netip.Addr
	// Evidence is whether the address and browser of who posts are kept, sealed: the
	// registry needs a sealer for it.
	Evidence bool
}

// Pages serves what links lead to, and the public form: see [Pages.ServeHTTP].
type Pages struct {
	c      PagesConfig
	texts  map[string]localTexts
	tokens *limiter[[32]byte]
	forms  *limiter[netip.Prefix]
	pace   time.Duration // the step in which the form answers

	patience time.Duration // with bodies
}

const (
	// A link is pressed a few times, and posted again by a provider that got no
	// answer.
	tokenPosts, tokenWindow = 20, time.Hour
	// A household, or an office behind one address, fills in the form this often.
	formPosts, formWindow = 10, 10 * time.Minute
	// limitEntries bounds the memory of each limit to some megabytes.
	limitEntries = 50_000
	// actTime is how long recording what was posted may take.
	actTime = time.Minute
	// formPace is the step of time in which the public form answers.
	formPace = 250 * time.Millisecond
)

// NewPages checks its parts, and starts nothing.
func NewPages(c PagesConfig) (*Pages, error) {
	if c.Registry == nil {
		return nil, needs("PagesConfig.Registry")
	}
	if c.Links == nil {
		return nil, needs("PagesConfig.Links")
	}
	if c.Evidence && c.Registry.opt.sealer == nil {
		return nil, needs("WithSealer")
	}
	if c.Home != "" {
		if err := (Place{Tenant: c.Home, Scope: Client}).Validate(); err != nil {
			return nil, err
		}
	}
	if c.FormChannels = slices.Clone(c.FormChannels); len(c.FormChannels) == 0 {
		c.FormChannels = []Channel{Email}
	}
	for _, one := range c.FormChannels {
		if one != Email && !byNumber(one) {
			return nil, ErrChannel
		}
	}
	if c.Texts == nil {
		c.Texts = ShippedTexts()
	}
	c.Language = strings.ToLower(orElse(c.Language, "en"))
	texts, err := c.Texts.lower()
	if err != nil {
		return nil, err
	}
	if _, ok := texts[c.Language]; !ok {
		return nil, errors.New("unsubscribe: the catalogue lacks the default language")
	}
	return &Pages{
		c: c, texts: texts, pace: formPace, patience: bodyTime,
		tokens: newLimiter[[32]byte](tokenPosts, tokenWindow, limitEntries),
		forms:  newLimiter[netip.Prefix](formPosts, formWindow, limitEntries),
	}, nil
}

func (p *Pages) undo() time.Duration { return p.c.Registry.opt.undo }

// stopPath is where the public form is.
const stopPath = "/stop"

// ServeHTTP answers below the base of the links: "/u/…" is a link, "/stop" the
// public form. Mount it for both, outside of whatever demands a session, a cookie or
// a token against forged requests: mailbox providers have none, and the link itself
// is the credential.
//
//	mux.Handle("/u/", pages)
//	mux.Handle("/stop", pages)
//
// GET and HEAD change nothing, whoever opens links ahead of the reader. A POST of
// "List-Unsubscribe=One-Click" in either encoding (RFC 8058) is an opt-out, and is
// answered alike for every link, known or not; with 503 where nothing could be
// recorded, so that the provider tries again. No answer is a redirect or sets a
// cookie, and no page needs a script.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	guardHeaders(w.Header())
	t := p.language(r)
	path, below := strings.CutPrefix(r.URL.Path, p.c.Links.path)
	token, link := strings.CutPrefix(path, linkPath)
	form := path == stopPath && (p.c.Tenant != nil || p.c.Home != "")
	if !below || !link && !form {
		p.unknown(t).write(w, http.StatusNotFound)
		return
	}
	switch r.Method {
	case http.MethodPost:
		// Who posts may hang up before the answer, as some machines do: that undoes no
		// opt-out.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), actTime)
		defer cancel()
		r = r.WithContext(ctx)
		if link {
			p.postLink(w, r, t, token)
		} else {
			p.postForm(w, r, t)
		}
	case http.MethodGet, http.MethodHead:
		if link {
			p.showLink(w, r, t, token)
		} else {
			p.showForm(w, r, t)
		}
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		p.words(t, Names{}, "").plain(t.BadTitle, t.Bad).write(w, http.StatusMethodNotAllowed)
	}
}

func (p *Pages) language(r *http.Request) localTexts {
	has := func(tag string) bool { _, ok := p.texts[tag]; return ok }
	return p.texts[pickLanguage(strings.Join(r.Header.Values("Accept-Language"), ","), has, p.c.Language)]
}

// namesOf never fails: a page without names is better than none.
func (p *Pages) namesOf(ctx context.Context, tenant troth.Tenant, t localTexts) Names {
	if p.c.Names == nil || tenant == "" {
		return Names{}
	}
	n, err := p.c.Names(ctx, tenant, t.Tag)
	if err != nil {
		p.c.Registry.log.Warn("unsubscribe: a page lacks the names of its client")
		return Names{}
	}
	return n
}

// read opens a token for a request. Links of other clients are unknown where each
// has a host name of its own.
func (p *Pages) read(r *http.Request, token string) (Ticket, error) {
	k, err := p.c.Links.Read(r.Context(), token)
	if err != nil || p.c.Tenant == nil {
		return k, err
	}
	tenant, err := p.c.Tenant(r)
	if err != nil {
		return Ticket{}, err
	}
	if tenant != k.Tenant {
		return Ticket{}, ErrLink
	}
	return k, nil
}

func (p *Pages) unknown(t localTexts) *page {
	page := p.words(t, Names{}, "").plain(t.UnknownTitle, t.Unknown)
	if p.c.Tenant != nil || p.c.Home != "" {
		page.Elsewhere, page.ElsewhereText = p.c.Links.path+stopPath, t.UnknownForm
	}
	return page
}

// fail answers what is not the person's fault. Nothing is told of the error: it may
// be about the person.
func (p *Pages) fail(w http.ResponseWriter, t localTexts) {
	p.c.Registry.log.Warn("unsubscribe: a page could not do what it was asked")
	w.Header().Set("Retry-After", "60")
	p.words(t, Names{}, "").plain(t.FailedTitle, t.Failed).write(w, http.StatusServiceUnavailable)
}

func (p *Pages) tooMany(w http.ResponseWriter, t localTexts, after time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
	p.words(t, Names{}, "").plain(t.ManyTitle, t.Many).write(w, http.StatusTooManyRequests)
}

func (p *Pages) refuse(w http.ResponseWriter, t localTexts, status int) {
	// What is left of a body that was refused is not waited for.
	w.Header().Set("Connection", "close")
	p.words(t, Names{}, "").plain(t.BadTitle, t.Bad).write(w, status)
}

// acting gives the registry an actor where the host's middleware has set none.
func acting(ctx context.Context) context.Context {
	if _, none := troth.ActorFrom(ctx); errors.Is(none, troth.ErrNoActor) {
		return troth.WithActor(ctx, self)
	}
	return ctx
}

func (p *Pages) client(r *http.Request) netip.Addr {
	if p.c.Client != nil {
		return p.c.Client(r)
	}
	at, _ := netip.ParseAddrPort(r.RemoteAddr) // no address: counted together
	return at.Addr()
}

func (p *Pages) evidence(r *http.Request) (e Evidence) {
	if !p.c.Evidence {
		return e
	}
	e.IP = troth.Protect(p.client(r))
	e.UserAgent = troth.Protect(strings.ToValidUTF8(cut(r.UserAgent(), 512), ""))
	return e
}

func cut(s string, most int) string { return s[:min(len(s), most)] }

// hashOf is what limits and ids of events know a token by.
func hashOf(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// eventID makes one act of one link one event, however often it is posted, until
// the person came back: then the same link stops again.
func eventID(token string, m Method, at Place, generation uint32) string {
	h := sha256.New()
	for _, s := range []string{token, string(m), string(at.Scope), at.List, strconv.Itoa(int(generation))} {
		h.Write([]byte(s))
		h.Write([]byte{0}) // none of them has one
	}
	return "link-" + hex.EncodeToString(h.Sum(nil)[:16])
}
