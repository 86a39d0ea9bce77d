package unsubscribe

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// Action is the one thing that a link can do. A link that was forwarded with a
// message lets its new reader do that and nothing else.
type Action uint8

// The actions.
const (
	// ActionStop opts out: by the POST of a mail program, or on the page.
	ActionStop Action = iota + 1
	// ActionChoices shows what a person opted out of, and lets them opt out of more.
	ActionChoices
	// ActionUndo takes back one opt-out, for a short time. [Pages] makes it.
	ActionUndo
)

// linkScopes number the scopes, from 1, in tokens.
var linkScopes = []Scope{List, Client, Everything}

// linkPurpose is why addresses in links are looked at.
const linkPurpose troth.Purpose = "unsubscribe.link"

var (
	// ErrLink says that a link is not one that was made here: it was cut, changed,
	// guessed, or made under a key that the ring does not name.
	ErrLink = errors.New("unsubscribe: not a link of ours")
	// ErrSelfTest says that links that are made now would not work.
	ErrSelfTest = errors.New("unsubscribe: links do not work")
)

// Ticket is what a link carries, encrypted.
type Ticket struct {
	Action  Action
	Tenant  troth.Tenant
	Channel Channel
	// Address is whom the message is sent to, so that providers can be told also
	// when the contact is gone.
	Address troth.Sensitive[string]
	// List is what the message belongs to; empty where the client has but one.
	List string
	// Generation is that of [Registry.Generation] for the list, or for the client where
	// there is none: a link of an older one does not end a newer consent silently. 0
	// will do where SentAt is right: a consent is newer only if it is later, too.
	Generation uint32
	// SentAt is when the message is sent, to the microsecond, or when the opt-out
	// was that is to be undone.
	SentAt time.Time

	// scope and event are what is to be undone.
	scope Scope
	event string
}

// LinksConfig is what [NewLinks] needs.
type LinksConfig struct {
	Keys troth.Keys
	// Base is where [Pages] are served, such as "https://mail.shop.example". It is
	// of https, has no query, and may have a path.
	Base string
	Ring KeyRing
}

// Links makes and reads links to opt out. Making one writes nothing and asks
// nobody, so a campaign of millions can have one in each message. Links do not
// expire: what a law wants to work for 30 days (15 U.S.C. 7704(a)(3)) or 60 (CASL,
// section 11(2)), people use for years.
//
// Links is safe for concurrent use.
type Links struct {
	keys linkKeys
	base string // without a slash at its end
	path string // of base
}

// NewLinks does not reach for keys: call [Links.SelfTest] at start.
func NewLinks(c LinksConfig) (*Links, error) {
	if c.Keys == nil {
		return nil, needs("LinksConfig.Keys")
	}
	ring, err := c.Ring.filled()
	if err != nil {
		return nil, err
	}
	base := strings.TrimRight(c.Base, "/")
	if err := checkOneClickURL(base); err != nil {
		return nil, errNoHTTPS
	}
	u, err := url.Parse(base)
	if err != nil || u.EscapedPath() != u.Path {
		return nil, errNoHTTPS
	}
	return &Links{keys: linkKeys{keys: c.Keys, ring: ring}, base: base, path: u.Path}, nil
}

// linkPath stands between the base and the token.
const linkPath = "/u/"

// URL makes the link of a message: [ActionStop] for its header and its text,
// [ActionChoices] beside it if wanted. The URL shows nothing of what it carries,
// but is a credential of the person's: it belongs in the message and in no log.
func (l *Links) URL(ctx context.Context, k Ticket) (string, error) {
	if k.Action != ActionStop && k.Action != ActionChoices {
		return "", fmt.Errorf("%w: no such action", ErrLink)
	}
	k.scope, k.event = "", ""
	token, err := l.token(ctx, k)
	if err != nil {
		return "", err
	}
	return l.base + linkPath + token, nil
}

// Headers makes the link of a message, which belongs into its text too, and the
// fields that carry it: see [ListHeaders.Fields]. The action is [ActionStop] and the
// URL of h this link's, whatever is given.
func (l *Links) Headers(ctx context.Context, k Ticket, h ListHeaders) (link string, fields []HeaderField, err error) {
	k.Action = ActionStop
	if h.URL, err = l.URL(ctx, k); err != nil {
		return "", nil, err
	}
	if fields, err = h.Fields(); err != nil {
		return "", nil, err
	}
	return h.URL, fields, nil
}

func (l *Links) token(ctx context.Context, k Ticket) (string, error) {
	address, err := k.Address.Reveal(linkPurpose)
	if err != nil {
		return "", err
	}
	if err := (Place{Tenant: k.Tenant, Scope: Client}).Validate(); err != nil {
		return "", err
	}
	if k.List != "" {
		if err := checkName("list", k.List); err != nil {
			return "", err
		}
	}
	if k.Channel.number() == 0 {
		return "", ErrChannel
	}
	b := tokenBody{
		action: k.Action, scope: byte(slices.Index(linkScopes, k.scope) + 1), at: k.SentAt.UnixMicro(), generation: k.Generation,
		tenant: string(k.Tenant), list: k.List, channel: string(k.Channel), event: k.event, address: address,
	}
	// What could not be recorded later must not be promised now.
	if _, err := Normalise(k.Channel, address); err != nil {
		return "", err
	}
	if k.SentAt.IsZero() || !b.fits() {
		return "", fmt.Errorf("%w: it lacks an instant, or the address is too long", ErrLink)
	}
	return l.keys.seal(ctx, &b)
}

// Read opens the token of a link: the last part of its path. The error is
// [ErrLink] unless the token was made here; any other means that keys could not
// be reached, and that the same token may be read later.
func (l *Links) Read(ctx context.Context, token string) (Ticket, error) {
	b, err := l.keys.open(ctx, token)
	if err != nil {
		return Ticket{}, err
	}
	k := Ticket{
		Action: b.action, Tenant: troth.Tenant(b.tenant), Channel: Channel(b.channel), List: b.list,
		Address: troth.Protect(b.address), Generation: b.generation, SentAt: time.UnixMicro(b.at).UTC(), event: b.event,
	}
	if b.scope > 0 && int(b.scope) <= len(linkScopes) {
		k.scope = linkScopes[b.scope-1]
	}
	undo := k.scope != "" && k.event != ""
	if b.action < ActionStop || b.action > ActionUndo || undo != (b.action == ActionUndo) || b.scope == 0 && b.event != "" {
		return Ticket{}, ErrLink
	}
	return k, nil
}

// ReadURL is Read for a whole URL, as it comes back in a complaint's copy of a
// message.
func (l *Links) ReadURL(ctx context.Context, u string) (Ticket, error) {
	token, ok := strings.CutPrefix(u, l.base+linkPath)
	if !ok {
		return Ticket{}, ErrLink
	}
	return l.Read(ctx, token)
}

// SelfTest makes a link, reads it from its URL as a server would get it, builds
// the header of it, and reaches for every key of the ring. Run it at start, and do
// not send before it is well: a wrong base or secret makes links that nobody can
// ever use. Errors wrap [ErrSelfTest].
func (l *Links) SelfTest(ctx context.Context) error {
	for _, n := range append(slices.Clone(l.keys.ring.Retired), l.keys.ring.Current) {
		if _, err := l.keys.reach(ctx, n); err != nil {
			return fmt.Errorf("%w: key %d: %w", ErrSelfTest, n, err)
		}
	}
	const probe = "self-test@self-test.invalid"
	at := time.UnixMicro(1)
	made, fields, err := l.Headers(ctx, Ticket{
		Tenant: "self-test", List: "self-test", Channel: Email, Address: troth.Protect(probe), Generation: 7, SentAt: at,
	}, ListHeaders{})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSelfTest, err)
	}
	u, err := url.Parse(made)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || u.EscapedPath() != u.Path || len(fields) != 2 {
		return fmt.Errorf("%w: the URL is more than a path", ErrSelfTest)
	}
	token, ok := strings.CutPrefix(u.Path, l.path+linkPath)
	if !ok {
		return fmt.Errorf("%w: the path does not lead to the pages", ErrSelfTest)
	}
	k, err := l.Read(ctx, token)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSelfTest, err)
	}
	if a, err := k.Address.Reveal(linkPurpose); err != nil || a != probe || k.Generation != 7 || !k.SentAt.Equal(at) {
		return fmt.Errorf("%w: a link does not carry what was put in", ErrSelfTest)
	}
	return nil
}
