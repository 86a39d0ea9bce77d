package consent

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/trothdev/troth"
)

// sealingPurpose is why the ledger reads what it is given: to seal it.
const sealingPurpose troth.Purpose = "consent-evidence"

// maxEvidence bounds each text of the evidence, in bytes.
const maxEvidence = 4096

// ProofDetails is the part of the evidence that outlives an erasure.
type ProofDetails struct {
	// Network is the cut address, such as "203.0.113.0/24".
	Network   string `json:"network,omitempty"`
	UserAgent string `json:"userAgent,omitempty"`
	Page      string `json:"page,omitempty"`
}

// ContentDetails is the part that goes with the person.
type ContentDetails struct {
	Address  string `json:"address,omitempty"`
	Note     string `json:"note,omitempty"`
	Guardian string `json:"guardian,omitempty"`
}

// details reduces the evidence to what is worth keeping.
func (f *Form) details() (p ProofDetails, c ContentDetails, err error) {
	addr, err := f.Evidence.IP.Reveal(sealingPurpose)
	if err != nil {
		return p, c, err
	}
	p.Network = network(addr)
	for _, text := range []struct {
		from   troth.Sensitive[string]
		to     *string
		reduce func(string) string
	}{
		{f.Evidence.UserAgent, &p.UserAgent, reduceAgent},
		{f.Evidence.Page, &p.Page, reducePage},
		{f.Evidence.Address, &c.Address, bounded},
		{f.Evidence.Note, &c.Note, bounded},
	} {
		s, err := text.from.Reveal(sealingPurpose)
		if err != nil {
			return p, c, err
		}
		*text.to = text.reduce(s)
	}
	if f.Guardian != nil {
		c.Guardian = bounded(f.Guardian.ID)
	}
	return p, c, nil
}

// network is the address without what names a single machine: /24 of IPv4, /48 of
// IPv6. An IPv4 address in IPv6's clothes is one of IPv4.
func network(addr netip.Addr) string {
	if !addr.IsValid() {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// product is a name with the first number of its version.
var product = regexp.MustCompile(`([A-Za-z][A-Za-z ]{0,30})/(\d{1,4})`)

// system tells the few words that matter of the comment in a browser's name.
var system = regexp.MustCompile(`Windows|Android|iPhone|iPad|Macintosh|CrOS|Linux`)

// reduceAgent keeps which browser it was, and on what, and none of the numbers
// and words by which one of a kind can be told.
func reduceAgent(agent string) string {
	agent = bounded(agent)
	var kept []string
	for _, m := range product.FindAllStringSubmatch(agent, 8) {
		kept = append(kept, strings.TrimSpace(m[1])+"/"+m[2])
	}
	if s := system.FindString(agent); s != "" {
		kept = append(kept, "("+s+")")
	}
	return strings.Join(kept, " ")
}

// reducePage keeps the path: queries and fragments carry addresses.
func reducePage(page string) string {
	page, _, _ = strings.Cut(page, "?")
	page, _, _ = strings.Cut(page, "#")
	return bounded(page)
}

func bounded(s string) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) > maxEvidence {
		s = strings.ToValidUTF8(s[:maxEvidence], "")
	}
	return s
}

// evidenceAt is the place of sealed evidence.
func evidenceAt(s troth.Subject, event string, c troth.Compartment) troth.Context {
	column := "content"
	if c == ProofCompartment {
		column = "proof"
	}
	return troth.Context{Subject: s, Compartment: c, Cell: troth.Cell{Table: "troth_consent_event", Column: column, Row: event}}
}

// sealEvidence seals what a form shows for one of its events, and puts the hashes
// of the sealed bytes into the event.
func (l *Ledger) sealEvidence(ctx context.Context, f *Form, e *Event) (proof, content []byte, err error) {
	p, c, err := f.details()
	if err != nil {
		return nil, nil, err
	}
	if p != (ProofDetails{}) {
		if proof, err = l.seal(ctx, evidenceAt(f.Subject, e.ID, ProofCompartment), p); err != nil {
			return nil, nil, err
		}
		e.Proof = sha256.Sum256(proof)
	}
	if c != (ContentDetails{}) {
		if content, err = l.seal(ctx, evidenceAt(f.Subject, e.ID, ContentCompartment), c); err != nil {
			return nil, nil, err
		}
		e.Content = sha256.Sum256(content)
	}
	return proof, content, nil
}

// isShredded reports whether an error of the sealer says that the key is destroyed,
// as a vault's do.
func isShredded(err error) bool {
	s, is := errors.AsType[interface {
		error
		Shredded() bool
	}](err)
	return is && s.Shredded()
}

func (l *Ledger) seal(ctx context.Context, at troth.Context, v any) ([]byte, error) {
	if l.opt.sealer == nil {
		return nil, needs("WithSealer, for evidence")
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("consent: encode evidence: %w", err)
	}
	sealed, err := l.opt.sealer.Seal(ctx, nil, at, plain)
	if err != nil {
		return nil, fmt.Errorf("consent: seal evidence: %w", err)
	}
	return sealed, nil
}

// unseal opens evidence into v. The bytes must be those that the event commits to.
func (l *Ledger) unseal(ctx context.Context, at troth.Context, p troth.Purpose, hash [32]byte, sealed []byte, v any) error {
	if l.opt.sealer == nil {
		return needs("WithSealer, for evidence")
	}
	if sha256.Sum256(sealed) != hash {
		return ErrRecord
	}
	plain, err := l.opt.sealer.Open(ctx, nil, at, p, sealed)
	if err != nil {
		return fmt.Errorf("consent: open evidence: %w", err)
	}
	if json.Unmarshal(plain, v) != nil {
		return ErrRecord
	}
	return nil
}
