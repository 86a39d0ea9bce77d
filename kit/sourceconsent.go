package kit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

// consentSource is the ledger of consent as a source.
func (k *Kit) consentSource(c Config) rights.Source {
	s := consentSource{k, c.Directory != nil}
	return rights.Source{
		Name: "troth.consent", Title: "Consents", Order: rights.Primary,
		For: []rights.Right{
			rights.Know, rights.Access, rights.Portability, rights.Erase, rights.Object, rights.WithdrawConsent,
			rights.OptOut, rights.LimitSensitive,
		},
		Locator: s, Exporter: s, Eraser: s, Objector: s,
	}
}

type consentSource struct {
	k *Kit
	// mirrored says that the registry of opt-outs is to know too.
	mirrored bool
}

func (s consentSource) Locate(ctx context.Context, q rights.Inquiry) (rights.Located, error) {
	if q.SubjectID == "" {
		return rights.Located{}, nil
	}
	h, err := s.k.Consent.History(ctx, q.Subject(), rightsPurpose)
	return rights.Located{Records: uint64(len(h.Entries))}, err
}

func (consentSource) Types() []export.Type {
	return []export.Type{{Name: "consent", Title: "What was said about purposes", Category: "consent", About: export.Person}}
}

func (s consentSource) Export(ctx context.Context, q rights.Inquiry) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		if q.SubjectID == "" {
			return
		}
		h, err := s.k.Consent.History(ctx, q.Subject(), rightsPurpose)
		if err != nil {
			yield(export.Record{}, err)
			return
		}
		for i := range h.Entries {
			e := &h.Entries[i].Event
			fields := []export.Field{
				export.Text("purpose", string(e.Purpose)), export.Int("version", int64(e.Version)), export.Text("said", string(e.Kind)),
				export.Time("given", e.GivenAt), export.Time("recorded", e.RecordedAt),
				export.Text("method", string(e.Method)), export.Text("channel", string(e.Channel)),
			}
			if !e.Until.IsZero() {
				fields = append(fields, export.Time("until", e.Until))
			}
			if !yield(export.Record{Type: "consent", ID: e.ID, Fields: fields}, nil) {
				return
			}
		}
	}
}

// Erase destroys the content; the proof stays under a pseudonym for its period.
func (s consentSource) Erase(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	if q.SubjectID == "" {
		return nothing(), nil
	}
	h, err := s.k.Consent.History(ctx, q.Subject(), rightsPurpose)
	if err != nil {
		return rights.Report{}, err
	}
	if len(h.Entries) == 0 {
		return nothing(), nil
	}
	did, err := s.k.Consent.Erase(ctx, q.Subject(), erasureGround)
	if err != nil {
		return s.k.orHeld(ctx, q.Tenant, err, len(h.Entries))
	}
	until := h.KeepUntil
	if did.KeepUntil != 0 {
		until = time.UnixMicro(did.KeepUntil).UTC()
	}
	r := rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: uint64(did.Events), Asked: []string{bySubject}}
	if until.After(s.k.now()) {
		r.Outcome, r.Kept = rights.Retained, []rights.Kept{{
			Basis: rights.LegalClaims, Records: uint64(len(h.Entries)), Until: until,
			Cite: "Regulation (EU) 2016/679, Art. 7(1) and 17(3)(e)",
		}}
	}
	return r, nil
}

// Object records a no to each purpose that the request names, in both ledgers: the one of
// opt-outs outlives the person's erasure. Without any, an objection is to direct marketing, and
// consent is taken back for everything that was ever said. Which purposes sell data, or need
// sensitive data, the ledger cannot know.
func (s consentSource) Object(ctx context.Context, q rights.Inquiry) (rights.Report, error) {
	if q.SubjectID == "" {
		return nothing(), nil
	}
	purposes := q.Purposes
	if len(purposes) == 0 {
		switch q.Right {
		case rights.Object:
			purposes = []troth.Purpose{""}
		case rights.WithdrawConsent:
			var err error
			if purposes, err = s.purposes(ctx, q); err != nil {
				return rights.Report{}, err
			}
		default:
			return rights.Report{Outcome: rights.Unsupported}, nil
		}
	}
	if len(purposes) == 0 {
		return nothing(), nil
	}
	for _, p := range purposes {
		o := troth.Objection{Subject: q.Subject(), Purpose: p, At: s.k.now(), OriginID: originOf(q, p)}
		if err := s.k.Consent.Object(ctx, o); err != nil {
			return rights.Report{}, err
		}
		if !s.mirrored {
			continue
		}
		if err := s.k.Unsubscribe.Object(ctx, o); err != nil {
			return rights.Report{}, err
		}
	}
	return rights.Report{Outcome: rights.Done, Method: rights.Ended, Records: uint64(len(purposes))}, nil
}

// originOf names an objection, in as many bytes as ledgers take.
func originOf(q rights.Inquiry, p troth.Purpose) string {
	sum := sha256.Sum256([]byte(q.Key + "/" + string(p)))
	return "rights/" + hex.EncodeToString(sum[:])
}

// purposes are those that the person ever said something about.
func (s consentSource) purposes(ctx context.Context, q rights.Inquiry) (all []troth.Purpose, err error) {
	h, err := s.k.Consent.History(ctx, q.Subject(), rightsPurpose)
	for i := range h.Entries {
		if p := h.Entries[i].Event.Purpose; !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all, err
}

var (
	_ rights.Eraser   = consentSource{}
	_ rights.Objector = consentSource{}
)
