package consent

import (
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// Notice is one version of what people are shown when they are asked. A version
// that was published never changes.
type Notice struct {
	Tenant troth.Tenant
	ID     string
	// Version counts from 1; [Ledger.PublishNotice] gives it.
	Version uint32
	// Texts are the exact texts by language, a BCP 47 tag. The ledger keeps each
	// under its SHA-256.
	Texts map[string]string
	// Asks are the controls, each for one purpose.
	Asks []Ask
	// PublishedAt is when the ledger learnt of it; PublishNotice sets it.
	PublishedAt time.Time

	hashes map[string][32]byte
}

// Ask is one control of a notice: a checkbox, a button.
type Ask struct {
	// Control names it in the host's interface.
	Control string
	Purpose troth.Purpose
	// OnByDefault is whether the control was on before the person touched it. For
	// consent that is refused.
	OnByDefault bool
}

// Hash is the SHA-256 of the text in a language.
func (n *Notice) Hash(language string) ([32]byte, bool) {
	if h, ok := n.hashes[language]; ok {
		return h, true
	}
	text, ok := n.Texts[language]
	return sha256.Sum256([]byte(text)), ok
}

// validate holds a notice to the rules that need no catalogue.
func (n *Notice) validate() error {
	if err := n.Tenant.Validate(); err != nil {
		return err
	}
	if err := checkID("notice", n.ID, troth.MaxIdentifier); err != nil {
		return err
	}
	if len(n.Texts) == 0 || len(n.Texts) > maxNames || len(n.Asks) > maxNames {
		return ErrNotice
	}
	for language, text := range n.Texts {
		if err := checkID("language", language, 35); err != nil {
			return err
		}
		if text == "" || len(text) > MaxNotice {
			return ErrNotice
		}
	}
	controls, purposes := map[string]bool{}, map[troth.Purpose]bool{}
	for _, a := range n.Asks {
		if err := checkID("control", a.Control, troth.MaxIdentifier); err != nil {
			return err
		}
		if err := a.Purpose.Validate(); err != nil {
			return err
		}
		if controls[a.Control] {
			return ErrBundled
		}
		if purposes[a.Purpose] {
			return ErrConflict
		}
		controls[a.Control], purposes[a.Purpose] = true, true
	}
	return nil
}

// asks reports whether the notice asks for the purpose.
func (n *Notice) asks(p troth.Purpose) bool {
	return slices.ContainsFunc(n.Asks, func(a Ask) bool { return a.Purpose == p })
}

// noticeDomain names the format of a stored version of a notice.
const noticeDomain = "troth.consent.notice/1"

func (n *Notice) append(dst []byte) []byte {
	dst = canon.AppendDomain(dst, noticeDomain)
	dst = canon.AppendText(dst, n.Tenant)
	dst = canon.AppendText(dst, n.ID)
	dst = canon.AppendUint(dst, uint64(n.Version))
	dst = canon.AppendInt(dst, micros(n.PublishedAt))
	dst = canon.AppendList(dst, len(n.Texts))
	for _, language := range slices.Sorted(maps.Keys(n.Texts)) {
		h, _ := n.Hash(language)
		dst = canon.AppendList(dst, 2)
		dst = canon.AppendText(dst, language)
		dst = canon.AppendBytes(dst, h[:])
	}
	dst = canon.AppendList(dst, len(n.Asks))
	for _, a := range n.Asks {
		dst = canon.AppendList(dst, 3)
		dst = canon.AppendText(dst, a.Control)
		dst = canon.AppendText(dst, a.Purpose)
		dst = appendBool(dst, a.OnByDefault)
	}
	return dst
}

// parseNotice reads what append wrote: of the texts it knows the hashes.
func parseNotice(b []byte) (Notice, error) {
	r := reader{canon.Walk(b, noticeDomain), false}
	n := Notice{
		Tenant: troth.Tenant(r.text()), ID: r.text(), Version: r.small(), PublishedAt: r.instant(),
		Texts: map[string]string{}, hashes: map[string][32]byte{},
	}
	for range min(r.List(), maxNames) {
		r.bad = r.List() != 2 || r.bad
		language := r.text()
		var h [32]byte
		r.fixed(h[:])
		n.Texts[language], n.hashes[language] = "", h
	}
	for range min(r.List(), maxNames) {
		r.bad = r.List() != 3 || r.bad
		n.Asks = append(n.Asks, Ask{Control: r.text(), Purpose: troth.Purpose(r.text()), OnByDefault: r.flag()})
	}
	if !r.done() {
		return Notice{}, ErrRecord
	}
	return n, nil
}
