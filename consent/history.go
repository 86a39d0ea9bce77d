package consent

import (
	"context"
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// History is everything that the ledger knows about one person: for a request for
// access (GDPR Article 15), for a court, for the person. It is personal data.
type History struct {
	Subject troth.Subject
	// Pseudonym is the person's in the events.
	Pseudonym string
	// ErasedAt says that the person was erased, and that this is the proof that is
	// left, which stays until KeepUntil; zero if not.
	ErasedAt, KeepUntil time.Time
	At                  time.Time
	Entries             []HistoryEntry
	// Decisions are as of At, by purpose; none for a person who was erased.
	Decisions []Decision
	// Devices are those that were linked to the person.
	Devices []string
}

// HistoryEntry is one event with all that belongs to it.
type HistoryEntry struct {
	Event Event
	// Hash is of the stored event, in hex: the trail commits to it.
	Hash string
	// Title is the purpose in words, of the version that the event is about.
	Title string
	Basis Basis
	// Notice and Wording are the exact texts that were shown; empty where none are
	// known.
	Notice, Wording string
	Proof           ProofDetails
	Content         ContentDetails
	// ProofGone and ContentGone say that there was evidence, and that it is
	// destroyed.
	ProofGone, ContentGone bool
	Told                   []DeliveryRow
}

// History returns everything about a person, oldest first, with the evidence
// opened for a purpose, which the sealer records. Somebody who was erased is found
// by the id that they had, as long as their proof is kept. A person of whom the
// ledger knows nothing has an empty history.
func (l *Ledger) History(ctx context.Context, who troth.Subject, purpose troth.Purpose) (History, error) {
	if err := who.Validate(); err != nil {
		return History{}, err
	}
	if err := purpose.Validate(); err != nil {
		return History{}, err
	}
	d, err := l.tenant(ctx, who.Tenant)
	if err != nil {
		return History{}, err
	}
	h := History{Subject: who, At: l.now().UTC()}
	p, under, found, err := l.find(ctx, d, who)
	if err != nil || !found {
		return h, err
	}
	h.Pseudonym = hexOf(p.pseudonym[:])
	h.ErasedAt, h.KeepUntil = instant(p.erasedAt), instant(p.keepUntil)
	if err := l.fillHistory(ctx, d, &h, under, &p, purpose); err != nil {
		return History{}, err
	}
	slices.SortFunc(h.Entries, func(a, b HistoryEntry) int {
		ma, mb := markOf(&a.Event), markOf(&b.Event)
		return ma.compare(&mb)
	})
	return h, nil
}

// find returns a person, and the id under which their rows stand.
func (l *Ledger) find(ctx context.Context, d *tenantData, who troth.Subject) (p person, under troth.Subject, found bool, err error) {
	row, found, err := l.store.Person(ctx, who.Tenant, who.ID)
	if err == nil && !found {
		var mark [32]byte
		if mark, err = l.markOfErased(ctx, who); err != nil {
			return person{}, under, false, err
		}
		row, found, err = l.store.ErasedPerson(ctx, who.Tenant, mark)
	}
	if err != nil {
		return person{}, under, false, fmt.Errorf("consent: read person: %w", err)
	}
	if !found {
		return person{}, under, false, nil
	}
	p, err = d.openPerson(row)
	return p, troth.Subject{Tenant: who.Tenant, ID: row.SubjectID}, true, err
}

func (l *Ledger) fillHistory(ctx context.Context, d *tenantData, h *History, under troth.Subject, p *person, purpose troth.Purpose) error {
	own, err := l.entriesUnder(ctx, d, h.Subject, under, p.pseudonym, purpose)
	if err != nil {
		return err
	}
	h.Entries = own
	if err := l.fillDevices(ctx, d, h, under, p, purpose); err != nil {
		return err
	}
	if p.erasedAt != 0 {
		return nil
	}
	all, err := l.readStates(ctx, d, under)
	if err != nil {
		return err
	}
	k := newKnown(all)
	for _, s := range all {
		asked := question{purpose: s.purpose, at: max(micros(h.At), k.given), knownAt: forever}
		h.Decisions = append(h.Decisions, decide(d.catalogue, all, asked))
	}
	return nil
}

// fillDevices adds the devices that were linked to a person, and what these had said
// before, with its evidence, which is sealed under the device's own name.
func (l *Ledger) fillDevices(ctx context.Context, d *tenantData, h *History, under troth.Subject, p *person, purpose troth.Purpose) error {
	rows, links, err := l.devicesOf(ctx, d, under, p.pseudonym)
	if err != nil {
		return err
	}
	for i, row := range rows {
		h.Devices = append(h.Devices, row.Device)
		device := troth.Subject{Tenant: under.Tenant, ID: row.Device}
		stored, found, err := l.store.Person(ctx, device.Tenant, device.ID)
		if err != nil {
			return fmt.Errorf("consent: read person: %w", err)
		}
		if !found {
			continue // its proof is destroyed
		}
		named := device
		if who, err := d.openPerson(stored); err != nil {
			return err
		} else if who.erasedAt != 0 {
			if named.ID, err = l.openID(ctx, device.Tenant, &who); err != nil {
				return err
			}
		}
		entries, err := l.entriesUnder(ctx, d, named, device, links[i].device, purpose)
		if err != nil {
			return err
		}
		for _, one := range entries {
			if links[i].claims(&one.Event) {
				h.Entries = append(h.Entries, one)
			}
		}
	}
	return nil
}

// entriesUnder reads a person's own events with their evidence.
func (l *Ledger) entriesUnder(ctx context.Context, d *tenantData, who, under troth.Subject, p Pseudonym, purpose troth.Purpose) ([]HistoryEntry, error) {
	rows, err := l.store.Events(ctx, under.Tenant, under.ID, "")
	if err != nil {
		return nil, fmt.Errorf("consent: read events: %w", err)
	}
	var all []HistoryEntry
	for _, row := range rows {
		e, err := d.openEvent(row)
		if err != nil {
			return nil, err
		}
		if e.Pseudonym != p {
			return nil, ErrRecord
		}
		one, err := l.entryOf(ctx, d, &e)
		if err != nil {
			return nil, err
		}
		if one.ProofGone, err = l.reveal(ctx, evidenceAt(who, e.ID, ProofCompartment), purpose, e.Proof, row.Proof, &one.Proof); err != nil {
			return nil, err
		}
		if one.ContentGone, err = l.reveal(ctx, evidenceAt(who, e.ID, ContentCompartment), purpose, e.Content, row.Content, &one.Content); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// reveal opens evidence; gone says that it was there and is destroyed.
func (l *Ledger) reveal(ctx context.Context, at troth.Context, p troth.Purpose, hash [32]byte, sealed []byte, v any) (gone bool, err error) {
	if hash == ([32]byte{}) {
		return false, nil
	}
	if sealed == nil {
		return true, nil
	}
	err = l.unseal(ctx, at, p, hash, sealed, v)
	if isShredded(err) {
		return true, nil
	}
	return false, err
}

// entryOf adds to an event what stands elsewhere.
func (l *Ledger) entryOf(ctx context.Context, d *tenantData, e *Event) (HistoryEntry, error) {
	hash := e.Hash()
	one := HistoryEntry{Event: *e, Hash: hexOf(hash[:])}
	if t := d.catalogue.Version(e.Purpose, e.Version); t != nil {
		one.Title, one.Basis = t.Title, t.Basis
	}
	for _, text := range []struct {
		hash [32]byte
		to   *string
	}{{e.Notice.Text, &one.Notice}, {e.Wording, &one.Wording}} {
		if text.hash == ([32]byte{}) {
			continue
		}
		var err error
		if *text.to, err = l.Text(ctx, e.Tenant, text.hash); err != nil {
			return HistoryEntry{}, err
		}
	}
	var err error
	one.Told, err = l.Deliveries(ctx, e.Tenant, e.ID)
	return one, err
}

// WriteHTML writes the history as a page to print: every declaration in full, on
// one page, with the hashes by which the trail proves it. Texts of others are
// escaped, and each stands in an isolate of its own, so that characters which turn
// the direction of writing cannot rearrange what stands beside them.
func (h *History) WriteHTML(w io.Writer) error {
	if err := historyTemplate.Execute(w, h); err != nil {
		return fmt.Errorf("consent: write history: %w", err)
	}
	return nil
}

var historyTemplate = template.Must(template.New("history").Funcs(template.FuncMap{
	"at": func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return plainInstant(t)
	},
	"hex":  func(b [32]byte) string { return hexOf(b[:]) },
	"some": func(b [32]byte) bool { return b != [32]byte{} },
	"us":   func(us int64) string { return plainInstant(instant(us)) },
}).Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>Consent history</title>
<style>body{font:10pt/1.4 serif;margin:2cm}section{page-break-inside:avoid;border-top:1px solid;padding:.5em 0}dl{display:grid;grid-template-columns:12em 1fr;margin:0}dt{font-weight:bold}dd{margin:0;overflow-wrap:anywhere}pre{white-space:pre-wrap;border-left:2px solid;padding-left:1em}</style></head>
<body>
<h1>Consent history</h1>
<dl><dt>Controller's customer</dt><dd><bdi>{{.Subject.Tenant}}</bdi></dd><dt>Person</dt><dd><bdi>{{.Subject.ID}}</bdi></dd>
<dt>Pseudonym</dt><dd>{{.Pseudonym}}</dd><dt>As of</dt><dd>{{at .At}}</dd>
{{- with .ErasedAt}}{{if not .IsZero}}<dt>Erased</dt><dd>{{at .}}; what follows is the proof that is kept until {{at $.KeepUntil}}</dd>{{end}}{{end}}
{{- range .Devices}}<dt>Linked device</dt><dd><bdi>{{.}}</bdi></dd>{{end}}</dl>
{{- if .Decisions}}
<h2>What is allowed now</h2>
<ul>{{range .Decisions}}<li><bdi>{{.}}</bdi></li>{{end}}</ul>{{end}}
<h2>Declarations</h2>
{{- range .Entries}}
<section>
<dl><dt>Declared</dt><dd>{{at .Event.GivenAt}}</dd><dt>Recorded</dt><dd>{{at .Event.RecordedAt}}</dd>
<dt>What</dt><dd>{{.Event.Kind}}</dd><dt>Purpose</dt><dd><bdi>{{.Event.Purpose}}</bdi>, version {{.Event.Version}}: <bdi>{{.Title}}</bdi></dd>
<dt>Lawful basis</dt><dd>{{.Basis}} (Article {{.Basis.Article}} GDPR)</dd>
<dt>How</dt><dd>{{.Event.Method}}, {{.Event.Channel}}</dd>
{{- if not .Event.Until.IsZero}}<dt>Good until</dt><dd>{{at .Event.Until}}</dd>{{end}}
{{- if .Event.Confirms}}<dt>Confirms</dt><dd><bdi>{{.Event.Confirms}}</bdi></dd>{{end}}
{{- if .Event.Age.Country}}<dt>Age rule</dt><dd>{{.Event.Age.Country}}, limit {{.Event.Age.Limit}}, table <bdi>{{.Event.Age.Table}}</bdi>{{if .Event.Age.Minor}}; a minor{{end}}</dd>{{end}}
{{- if .Event.Guardian.Relation}}<dt>Guardian</dt><dd><bdi>{{.Event.Guardian.Relation}}</bdi>, by <bdi>{{.Event.Guardian.Method}}</bdi>{{with .Content.Guardian}}: <bdi>{{.}}</bdi>{{end}}</dd>{{end}}
{{- with .Event.Import}}{{if .From}}<dt>Imported</dt><dd>from <bdi>{{.From}}</bdi>, by <bdi>{{.By}}</bdi></dd>{{end}}{{end}}
{{- with .Proof.Network}}<dt>Network</dt><dd><bdi>{{.}}</bdi></dd>{{end}}
{{- with .Proof.UserAgent}}<dt>Browser</dt><dd><bdi>{{.}}</bdi></dd>{{end}}
{{- with .Proof.Page}}<dt>Page</dt><dd><bdi>{{.}}</bdi></dd>{{end}}
{{- with .Content.Address}}<dt>Address</dt><dd><bdi>{{.}}</bdi></dd>{{end}}
{{- with .Content.Note}}<dt>Note</dt><dd><bdi>{{.}}</bdi></dd>{{end}}
{{- if .ContentGone}}<dt>Content</dt><dd>destroyed</dd>{{end}}
{{- if .ProofGone}}<dt>Evidence</dt><dd>destroyed</dd>{{end}}
{{- range .Told}}<dt>Told</dt><dd><bdi>{{.Processor}}</bdi>{{if .AckedAt}}, acknowledged {{us .AckedAt}}{{else}}, not yet acknowledged{{end}}</dd>{{end}}
<dt>Event</dt><dd><bdi>{{.Event.ID}}</bdi>, SHA-256 {{.Hash}}</dd></dl>
{{- if .Wording}}
<p>Words beside the control, SHA-256 {{hex .Event.Wording}}:</p><pre>{{.Wording}}</pre>{{end}}
{{- if .Notice}}
<p>Notice <bdi>{{.Event.Notice.ID}}</bdi>, version {{.Event.Notice.Version}}, <bdi>{{.Event.Notice.Language}}</bdi>, SHA-256 {{hex .Event.Notice.Text}}:</p><pre>{{.Notice}}</pre>{{end}}
</section>
{{- end}}
</body>
</html>
`))
