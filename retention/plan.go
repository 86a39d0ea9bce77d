package retention

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth/internal/canon"
)

// Plan is what a sweep would do, or what it would do once a version of the policy is in
// force. It says how many records meet which fate, and shows a few of each; it lists no
// record, so that its size does not grow with what is stored.
//
// A plan that two people approved is leave to destroy as many records of each bucket as
// it counts, of those that were due at its instant.
type Plan struct {
	// Made is when it was made, At the instant that it is about.
	Made, At time.Time
	// Base is the newest version of the policy when it was made, Version the one that it
	// was made under. They differ in the plan of an activation.
	Base, Version PlanVersion
	// Changes and Rules are how they differ, for the records that are there.
	Changes []Change
	Rules   []RuleChange
	// Buckets are in the order of class, stage and action.
	Buckets []Bucket
}

// PlanVersion is a version of the policy; zero where there is none.
type PlanVersion struct {
	Number uint32
	Policy [sha256.Size]byte
}

// Bucket is records of one class that meet one fate in one stage: that to which time has
// brought them by then.
type Bucket struct {
	Class   string `json:"class"`
	Stage   string `json:"stage"`
	Action  Action `json:"action"`
	Records int64  `json:"records"`
	// Earlier is how many of them only the plan's version makes meet it by then.
	Earlier int64 `json:"earlier,omitempty"`
	// Samples are a few of them, of random names the first ones.
	Samples []Sample `json:"samples"`
}

// Sample is one record of a bucket.
type Sample struct {
	// Handle is the record's name in evidence, and Why the decision in one line.
	Handle string `json:"record"`
	Why    string `json:"why"`
}

// samples is how many a bucket has at the most.
const samples = 3

// Action is what a sweep does with a record.
type Action string

const (
	// ActMove moves the record into the bucket's stage.
	ActMove Action = "move"
	// ActHide only changes who sees it.
	ActHide Action = "hide"
	// ActDestroy destroys it.
	ActDestroy Action = "destroy"
	// ActAnonymise makes it anonymous.
	ActAnonymise Action = "anonymise"
	// ActKeep hides it and does no more: it is due, and a hold, an obligation or an
	// exception keeps it.
	ActKeep Action = "keep"
	// ActAsk does nothing: something is not known, and somebody must look.
	ActAsk Action = "ask"
)

// action returns what a sweep does about an outcome; nothing if that is empty.
func (o *outcome) action(row *RecordRow) Action {
	switch {
	case !o.ahead.IsZero(), o.d.Verdict == Unknown:
		return ActAsk
	case o.d.Verdict == Due && o.d.End == Anonymise:
		return ActAnonymise
	case o.d.Verdict == Due:
		return ActDestroy
	case o.d.Verdict == Blocked:
		return ActKeep
	case o.moved:
		return ActMove
	case o.d.Visible != row.Visible:
		return ActHide
	}
	return ""
}

// Destroys is how many records the plan destroys or makes anonymous.
func (p Plan) Destroys() (n int64) {
	for i := range p.Buckets {
		if p.Buckets[i].destroys() {
			n += p.Buckets[i].Records
		}
	}
	return n
}

func (b *Bucket) destroys() bool { return b.Action == ActDestroy || b.Action == ActAnonymise }

// bucket returns the place of a bucket, or where it would be.
func (p Plan) bucket(class, stage string, a Action) (i int, found bool) {
	return slices.BinarySearchFunc(p.Buckets, Bucket{Class: class, Stage: stage, Action: a}, func(a, b Bucket) int {
		return cmp.Or(strings.Compare(a.Class, b.Class), strings.Compare(a.Stage, b.Stage), strings.Compare(string(a.Action), string(b.Action)))
	})
}

// Hash is what approvals name: the SHA-256 of the plan's bytes, see
// docs/formats/retention.md. Everything that a plan says is in it.
func (p Plan) Hash() [sha256.Size]byte {
	text, _ := p.encode() // never fails: there is nothing in it that JSON has not
	return sha256.Sum256(canon.AppendBytes(canon.AppendDomain(nil, planFormat), text))
}

const planFormat = "troth.retention.plan/1"

// storedPlan is the form of a plan.
type storedPlan struct {
	Made    int64         `json:"made"`
	At      int64         `json:"at"`
	Base    storedVersion `json:"base"`
	Version storedVersion `json:"version"`
	Changes []Change      `json:"changes,omitempty"`
	Rules   []RuleChange  `json:"rules,omitempty"`
	Buckets []Bucket      `json:"buckets,omitempty"`
}

type storedVersion struct {
	Number uint32 `json:"number"`
	Policy string `json:"policy"`
}

func (p Plan) encode() ([]byte, error) {
	version := func(v PlanVersion) storedVersion { return storedVersion{v.Number, hex.EncodeToString(v.Policy[:])} }
	return json.Marshal(storedPlan{
		Made: p.Made.UnixMicro(), At: p.At.UnixMicro(), Base: version(p.Base), Version: version(p.Version),
		Changes: p.Changes, Rules: p.Rules, Buckets: p.Buckets,
	})
}

// MaxPlan is the longest text of a plan.
const MaxPlan = 4 << 20

// plan reads what encode wrote.
func (row *PlanRow) plan() (p Plan, err error) {
	var s storedPlan
	if len(row.Text) > MaxPlan || json.Unmarshal(row.Text, &s) != nil {
		return p, fmt.Errorf("%w: a plan", ErrRecord)
	}
	p = Plan{
		Made: time.UnixMicro(s.Made).UTC(), At: time.UnixMicro(s.At).UTC(),
		Changes: s.Changes, Rules: s.Rules, Buckets: s.Buckets,
	}
	for _, v := range []struct {
		to   *PlanVersion
		from storedVersion
	}{{&p.Base, s.Base}, {&p.Version, s.Version}} {
		v.to.Number = v.from.Number
		if n, err := hex.Decode(v.to.Policy[:], []byte(v.from.Policy[:min(len(v.from.Policy), 2*sha256.Size)])); err != nil || n != sha256.Size {
			return p, fmt.Errorf("%w: a plan", ErrRecord)
		}
	}
	if again, err := p.encode(); err != nil || !bytes.Equal(again, row.Text) || p.Hash() != row.Hash ||
		len(row.Spent) != 0 && len(row.Spent) != len(p.Buckets) || !p.sorted() {
		return p, fmt.Errorf("%w: a plan", ErrRecord)
	}
	return p, nil
}

// readPlan reads a plan that a keeper wrote.
func (k *Keeper) readPlan(ctx context.Context, row *PlanRow) (p Plan, err error) {
	fits, err := k.authentic(ctx, row.message(), row.MAC)
	if err == nil && !fits {
		err = &TamperedError{row.Tenant, []Tampering{{RowForged, sealedPlan, hex.EncodeToString(row.Hash[:])}}}
	}
	if err != nil {
		return p, err
	}
	return row.plan()
}

// putPlan replaces a plan's row.
func (k *Keeper) putPlan(ctx context.Context, row PlanRow) (err error) {
	if row.MAC, err = k.tag(ctx, row.message()); err != nil {
		return err
	}
	if err := k.store.PutPlan(ctx, row); err != nil {
		return fmt.Errorf("retention: write plan: %w", err)
	}
	return nil
}

// sorted reports whether every bucket is in its place.
func (p Plan) sorted() bool {
	for i := range p.Buckets {
		b := &p.Buckets[i]
		if at, found := p.bucket(b.Class, b.Stage, b.Action); !found || at != i || b.Records < 0 {
			return false
		}
	}
	return true
}

// String prints the plan, a line for each change and bucket, and one for each sample.
func (p Plan) String() string {
	var b strings.Builder
	hash := p.Hash()
	fmt.Fprintf(&b, "plan %x of %s, by version %d", hash[:8], instant(p.At), p.Version.Number)
	if p.Base != p.Version {
		fmt.Fprintf(&b, " in place of %d", p.Base.Number)
	}
	fmt.Fprintf(&b, ": destroys %d\n", p.Destroys())
	for _, c := range p.Changes {
		fmt.Fprintf(&b, "  %s %s: %s, %s instead of %s; %d records, %d due at once\n",
			c.Class, c.Stage, c.Effect, inDays(c.After), inDays(c.Before), c.Records, c.DueNow)
	}
	for _, r := range p.Rules {
		fmt.Fprintf(&b, "  %s %s: %s\n", r.Kind, r.Name, r.Change)
	}
	for _, u := range p.Buckets {
		fmt.Fprintf(&b, "  %s %s: %s %d", orDash(u.Class), orDash(u.Stage), u.Action, u.Records)
		if u.Earlier > 0 {
			fmt.Fprintf(&b, ", %d of them by this version alone", u.Earlier)
		}
		b.WriteByte('\n')
		for _, s := range u.Samples {
			fmt.Fprintf(&b, "    %s\n", s.Why)
		}
	}
	return b.String()
}

func inDays(n int) string {
	if n < 0 {
		return "no end by time"
	}
	return fmt.Sprintf("%d days", n)
}
