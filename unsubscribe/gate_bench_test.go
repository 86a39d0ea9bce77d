package unsubscribe_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// quietPeer answers that nobody objected.
type quietPeer struct{ took time.Duration }

func (p *quietPeer) Objected(_ context.Context, queries []troth.ObjectionQuery) ([]troth.ObjectionAnswer, error) {
	begin := time.Now()
	defer func() { p.took += time.Since(begin) }()
	return make([]troth.ObjectionAnswer, len(queries)), nil
}

func (*quietPeer) Object(context.Context, troth.Objection) error { return nil }

// gateTurns are the times of two ways that were taken by turns, for each person.
type gateTurns struct{ base, ours []float64 }

func (g *gateTurns) report(b *testing.B, base, ours string) {
	b.Helper()
	slices.Sort(g.base)
	slices.Sort(g.ours)
	m := len(g.base) / 2
	b.ReportMetric(g.base[m], "ns/"+base)
	b.ReportMetric(g.ours[m], "ns/"+ours)
	b.ReportMetric(g.ours[m]/g.base[m], "times")
	b.ReportMetric(g.ours[0]/g.base[0], "times-least")
}

// BenchmarkGate filters people of whom one in fifty is blocked, in blocks of ten
// thousand: by address, by turns with normalising and hashing the same addresses
// alone; by stored keys; and with another ledger, whose own time is given apart.
func BenchmarkGate(b *testing.B) {
	const people, blocked = 100_000, 2_000
	w := newGateWorld(b)
	p := w.process(nil, unsubscribe.WithIndexAge(time.Hour))
	addresses := make([]string, people)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("some.person.%06d@mail%d.example", i, i%50)
	}
	err := p.Transactor().Atomically(w.ctx, func(ctx context.Context) error {
		for i := 0; i < people; i += people / blocked {
			if _, err := p.OptOut(ctx, gateOut(addresses[i], unsubscribe.Client)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = p.gate.Load(w.ctx)
	}
	if err != nil {
		b.Fatal(err)
	}
	h, err := p.Hasher(w.ctx, gateAcme)
	if err != nil {
		b.Fatal(err)
	}
	byAddress, byKeys := make([]unsubscribe.Recipient, people), make([]unsubscribe.Recipient, people)
	for i, address := range addresses {
		byAddress[i] = gateTo(address)
		if byKeys[i].Keys, err = h.Keys(unsubscribe.Email, address); err != nil {
			b.Fatal(err)
		}
		byKeys[i].SubjectID = fmt.Sprint("c-", i)
	}
	filter := func(g *unsubscribe.Gate, all []unsubscribe.Recipient) float64 {
		begin, stopped := time.Now(), 0
		for v, err := range g.Filter(w.ctx, gateLetter, unsubscribe.Recipients(all)) {
			if err != nil {
				b.Fatal(err)
			}
			if !v.Send {
				stopped++
			}
		}
		took := float64(time.Since(begin).Nanoseconds()) / float64(len(all))
		if stopped != len(all)*blocked/people {
			b.Fatal(stopped)
		}
		return took
	}
	const block = 10_000
	b.Run("addresses", func(b *testing.B) {
		var t gateTurns
		for b.Loop() {
			for first := 0; first < people; first += block {
				begin := time.Now()
				for _, address := range addresses[first : first+block] {
					if _, err := h.Keys(unsubscribe.Email, address); err != nil {
						b.Fatal(err)
					}
				}
				t.base = append(t.base, float64(time.Since(begin).Nanoseconds())/block)
				t.ours = append(t.ours, filter(p.gate, byAddress[first:first+block]))
			}
		}
		t.report(b, "hashing", "filter")
	})
	b.Run("keys", func(b *testing.B) {
		var took []float64
		for b.Loop() {
			for first := 0; first < people; first += block {
				took = append(took, filter(p.gate, byKeys[first:first+block]))
			}
		}
		slices.Sort(took)
		b.ReportMetric(took[len(took)/2], "ns/filter")
	})
	b.Run("others", func(b *testing.B) {
		peer := &quietPeer{}
		q := w.process([]unsubscribe.Option{unsubscribe.WithObjections(peer)}, unsubscribe.WithIndexAge(time.Hour))
		if err := q.gate.Load(w.ctx); err != nil {
			b.Fatal(err)
		}
		var t gateTurns
		for b.Loop() {
			for first := 0; first < people; first += block {
				t.base = append(t.base, filter(p.gate, byKeys[first:first+block]))
				t.ours = append(t.ours, filter(q.gate, byKeys[first:first+block]))
			}
		}
		t.report(b, "alone", "asking")
	})
}
