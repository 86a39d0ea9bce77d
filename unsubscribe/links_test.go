package unsubscribe

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

const (
	canary   = "Canary.Person@canary-mail.example"
	linkBase = "https://mail.acme.example/news"
)

var sentAt = time.Date(2026, 11, 22, 10, 0, 0, 123456000, time.UTC)

// ringKeys are keys of a ring that can be away.
type ringKeys struct {
	mu    sync.Mutex
	away  bool
	asked []troth.KeyRef
}

var errAway = errors.New("the keys are away")

func (k *ringKeys) secret(ref troth.KeyRef) ([32]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = append(k.asked, ref)
	if k.away {
		return [32]byte{}, errAway
	}
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %q", ref.Tenant, ref.Use, ref.ID)), ref.Validate()
}

func (k *ringKeys) set(away bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.away = away
}

func (k *ringKeys) MAC(_ context.Context, ref troth.KeyRef, message []byte) (sum [32]byte, err error) {
	secret, err := k.secret(ref)
	h := hmac.New(sha256.New, secret[:])
	h.Write(message)
	return [32]byte(h.Sum(nil)), err
}

func (k *ringKeys) AEAD(_ context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	secret, err := k.secret(ref)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func newTestLinks(t testing.TB, keys troth.Keys, ring KeyRing) *Links {
	t.Helper()
	l, err := NewLinks(LinksConfig{Keys: keys, Base: linkBase, Ring: ring})
	require.NoError(t, err)
	return l
}

func ticket() Ticket {
	return Ticket{
		Action: ActionStop, Tenant: "acme", Channel: Email, Address: troth.Protect(canary), List: "weekly", Generation: 3, SentAt: sentAt,
	}
}

func tokenOf(t testing.TB, l *Links, k Ticket) string {
	t.Helper()
	u, err := l.URL(t.Context(), k)
	require.NoError(t, err)
	token, ok := strings.CutPrefix(u, linkBase+"/u/")
	require.True(t, ok)
	return token
}

func TestLinks_CarryWhatWasPutIn(t *testing.T) {
	l := newTestLinks(t, &ringKeys{}, KeyRing{})
	for _, want := range []Ticket{ticket(), {Action: ActionChoices, Tenant: "globex", Channel: SMS, Address: troth.Protect("+4915112345678"), SentAt: sentAt}} {
		u, err := l.URL(t.Context(), want)
		require.NoError(t, err)
		got, err := l.ReadURL(t.Context(), u)
		require.NoError(t, err)
		a, err := got.Address.Reveal("test")
		require.NoError(t, err)
		b, err := want.Address.Reveal("test")
		require.NoError(t, err)
		require.Equal(t, b, a)
		got.Address, want.Address = troth.Sensitive[string]{}, troth.Sensitive[string]{}
		require.Equal(t, want, got)
	}
}

// A link is a path of letters, digits, "-" and "_": nothing in it is percent-coded,
// nothing can be taken for a parameter, and nothing of the person shows.
func TestLinks_ArePathsThatShowNothing(t *testing.T) {
	l := newTestLinks(t, &ringKeys{}, KeyRing{})
	made, err := l.URL(t.Context(), ticket())
	require.NoError(t, err)
	u, err := url.Parse(made)
	require.NoError(t, err)
	require.Empty(t, u.RawQuery)
	require.Empty(t, u.Fragment)
	require.Equal(t, u.Path, u.EscapedPath())
	token := strings.TrimPrefix(made, linkBase+"/u/")
	require.Regexp(t, `^[A-Za-z0-9_-]+$`, token)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	for _, word := range []string{"canary", "acme", "weekly", "email"} {
		require.NotContains(t, strings.ToLower(string(raw)), word)
	}
	again, err := l.URL(t.Context(), ticket())
	require.NoError(t, err)
	require.NotEqual(t, made, again, "two links of one person are not seen to be of one person")
	require.Less(t, len(made), 200, "a link of usual names fits into a text")
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", ticket(), ticket(), ticket()), "anary")
}

func TestLinks_NothingElseIsRead(t *testing.T) {
	l := newTestLinks(t, &ringKeys{}, KeyRing{Current: 2, Retired: []uint8{1}})
	token := tokenOf(t, l, ticket())
	raw, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	refused := func(what, token string) {
		t.Helper()
		_, err := l.Read(t.Context(), token)
		require.ErrorIs(t, err, ErrLink, what)
		if token != "" {
			require.NotContains(t, err.Error(), token)
		}
	}
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		refused(fmt.Sprintf("byte %d changed", i), base64.RawURLEncoding.EncodeToString(changed))
		refused(fmt.Sprintf("cut at %d", i), base64.RawURLEncoding.EncodeToString(raw[:i]))
	}
	swapped := bytes.Clone(raw)
	swapped[1] = 1
	refused("another key of the ring", base64.RawURLEncoding.EncodeToString(swapped))
	refused("padding", token+"=")
	refused("a byte more", base64.RawURLEncoding.EncodeToString(append(bytes.Clone(raw), 0)))
	refused("a letter more", token+"A")
	refused("a line", token[:10]+"\r\n"+token[10:])
	refused("standard base64", base64.RawStdEncoding.EncodeToString(append(bytes.Clone(raw), 0xff, 0xff)))
	refused("huge", strings.Repeat("A", 1<<20))
	refused("empty", "")
	other := newTestLinks(t, &ringKeys{}, KeyRing{Current: 9})
	refused("a key that the ring does not name", tokenOf(t, other, ticket()))
}

// Base64 has several ways to write the last bytes; one is read.
func TestLinks_HaveOneWayOfWriting(t *testing.T) {
	l := newTestLinks(t, &ringKeys{}, KeyRing{})
	k := ticket()
	for k.List = "w"; ; k.List += "w" {
		token := tokenOf(t, l, k)
		if len(token)%4 == 0 {
			continue
		}
		read := 0
		for _, last := range alphabet {
			if _, err := l.Read(t.Context(), token[:len(token)-1]+string(last)); err == nil {
				read++
			}
		}
		require.Equal(t, 1, read)
		return
	}
}

// A token made for one thing, by who holds the key, is not read as another: the body
// says what it is for, and one that says too little or too much is refused.
func TestLinks_BodiesThatContradictThemselvesAreRefused(t *testing.T) {
	keys := &ringKeys{}
	l := newTestLinks(t, keys, KeyRing{})
	good := tokenBody{action: ActionStop, at: 1, tenant: "acme", channel: "email", address: "a@b.example"}
	seal := func(b tokenBody) string {
		token, err := l.keys.seal(t.Context(), &b)
		require.NoError(t, err)
		return token
	}
	_, err := l.Read(t.Context(), seal(good))
	require.NoError(t, err)
	for what, change := range map[string]func(*tokenBody){
		"no action":               func(b *tokenBody) { b.action = 0 },
		"unknown action":          func(b *tokenBody) { b.action = 4 },
		"undo of nothing":         func(b *tokenBody) { b.action = ActionUndo },
		"undo without a scope":    func(b *tokenBody) { b.action, b.event = ActionUndo, "e" },
		"undo without an event":   func(b *tokenBody) { b.action, b.scope = ActionUndo, 1 },
		"undo of unknown scope":   func(b *tokenBody) { b.action, b.scope, b.event = ActionUndo, 9, "e" },
		"stop with what to undo":  func(b *tokenBody) { b.scope, b.event = 2, "e" },
		"stop with an event":      func(b *tokenBody) { b.event = "e" },
		"address that is no text": func(b *tokenBody) { b.address = "\xff" },
	} {
		b := good
		change(&b)
		_, err := l.Read(t.Context(), seal(b))
		require.ErrorIs(t, err, ErrLink, what)
	}
}

func TestLinks_RetiredKeysReadAndMakeNothing(t *testing.T) {
	keys := &ringKeys{}
	first := newTestLinks(t, keys, KeyRing{})
	old := tokenOf(t, first, ticket())
	second := newTestLinks(t, keys, KeyRing{Current: 2, Retired: []uint8{1}})
	_, err := second.Read(t.Context(), old)
	require.NoError(t, err)
	fresh := tokenOf(t, second, ticket())
	_, err = first.Read(t.Context(), fresh)
	require.ErrorIs(t, err, ErrLink)
	third := newTestLinks(t, keys, KeyRing{Current: 3, Retired: []uint8{2}})
	_, err = third.Read(t.Context(), old)
	require.ErrorIs(t, err, ErrLink, "1 is no longer in the ring")
	for _, ring := range []KeyRing{{Current: 1, Retired: []uint8{1}}, {Retired: []uint8{1}}, {Current: 2, Retired: []uint8{0}}, {Current: 3, Retired: []uint8{1, 1}}} {
		_, err := NewLinks(LinksConfig{Keys: keys, Base: linkBase, Ring: ring})
		require.Error(t, err)
	}
}

// Keys come from the platform tenant alone: links outlive clients.
func TestLinks_KeysAreThePlatforms(t *testing.T) {
	keys := &ringKeys{}
	l := newTestLinks(t, keys, KeyRing{})
	tokenOf(t, l, ticket())
	tokenOf(t, l, ticket())
	require.Equal(t, []troth.KeyRef{{Tenant: troth.Platform, Use: "unsubscribe.link", ID: "1"}}, keys.asked,
		"a key is asked for once, not for each message")
}

func TestLinks_KeysThatAreAwayMakeNoLinkUnknown(t *testing.T) {
	keys := &ringKeys{}
	token := tokenOf(t, newTestLinks(t, keys, KeyRing{}), ticket())
	keys.set(true)
	l := newTestLinks(t, keys, KeyRing{})
	_, err := l.Read(t.Context(), token)
	require.ErrorIs(t, err, errAway)
	require.NotErrorIs(t, err, ErrLink)
	_, err = l.URL(t.Context(), ticket())
	require.ErrorIs(t, err, errAway)
	keys.set(false)
	_, err = l.Read(t.Context(), token)
	require.NoError(t, err)
}

func TestLinks_RefuseWhatCouldNotBeRecordedLater(t *testing.T) {
	l := newTestLinks(t, &ringKeys{}, KeyRing{})
	for what, change := range map[string]func(*Ticket){
		"no action":      func(k *Ticket) { k.Action = 0 },
		"undo":           func(k *Ticket) { k.Action = ActionUndo },
		"no tenant":      func(k *Ticket) { k.Tenant = "" },
		"a bad tenant":   func(k *Ticket) { k.Tenant = "a\nb" },
		"a long list":    func(k *Ticket) { k.List = strings.Repeat("x", 256) },
		"no channel":     func(k *Ticket) { k.Channel = "" },
		"other channel":  func(k *Ticket) { k.Channel = "smoke" },
		"no address":     func(k *Ticket) { k.Address = troth.Sensitive[string]{} },
		"no address, 2":  func(k *Ticket) { k.Address = troth.Protect("canary") },
		"a long address": func(k *Ticket) { k.Address = troth.Protect(strings.Repeat("x", 2000) + "@b.example") },
		"no instant":     func(k *Ticket) { k.SentAt = time.Time{} },
	} {
		k := ticket()
		change(&k)
		_, err := l.URL(t.Context(), k)
		require.Error(t, err, what)
		require.NotContains(t, strings.ToLower(err.Error()), "canary")
	}
}

func TestNewLinks_RefusesABaseThatMakesDeadLinks(t *testing.T) {
	for _, base := range []string{
		"", "http://mail.acme.example", "mail.acme.example", "https://", "https:///x", "https://user@acme.example", "https://acme.example/?a=b",
		"https://acme.example/#x", "https://acme.example/a b", "https://acme.example/a%20b", "https://acme.example\r\nX: y", "HTTPS://acme.example",
		"https://acme.example/;x", "https://acme.example/a,b", "https://acme.example/<",
	} {
		_, err := NewLinks(LinksConfig{Keys: &ringKeys{}, Base: base})
		require.Error(t, err, base)
	}
	_, err := NewLinks(LinksConfig{Base: linkBase})
	require.ErrorIs(t, err, ErrNeeds)
	l, err := NewLinks(LinksConfig{Keys: &ringKeys{}, Base: "https://acme.example/"})
	require.NoError(t, err)
	u, err := l.URL(t.Context(), ticket())
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(u, "https://acme.example/u/"))
}

func (k *forgetfulKeys) AEAD(ctx context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	aead, err := k.ringKeys.AEAD(ctx, ref)
	return forgetful{aead}, err
}

// BenchmarkLinks makes the link and the header fields of one message of a campaign,
// and reads one.
func BenchmarkLinks(b *testing.B) {
	l := newTestLinks(b, &ringKeys{}, KeyRing{})
	k := ticket()
	b.Run("headers", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := l.Headers(b.Context(), k, ListHeaders{List: ListID{Label: "weekly", Domain: "acme.example"}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	token := tokenOf(b, l, k)
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := l.Read(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
}
