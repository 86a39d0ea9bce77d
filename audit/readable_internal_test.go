package audit

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

func everything() Envelope {
	at := time.UnixMicro(1_795_000_000_123_456).UTC()
	return Envelope{
		ID: troth.NewEntryID(at), RecordedAt: at, Tenant: "acme", Act: "test.everything", ActVersion: 3, Outcome: troth.Refused,
		Actor:   ActorRef{Kind: troth.Person, Person: Pseudonym{1}, Home: troth.Platform},
		Subject: Pseudonym{2}, Purpose: "support-case",
		Facts: []NamedFact{
			{Name: "word", Fact: troth.Word("orders")},
			{Name: "words", Fact: troth.Words("b", "a")},
			{Name: "count", Fact: troth.Count(-5)},
			{Name: "instant", Fact: troth.Instant(at)},
			{Name: "digest", Fact: troth.Digest([32]byte{1, 31: 2})},
			{Name: "id", Fact: troth.ID("w-1")},
		},
		Commitments: [][32]byte{{9}},
	}
}

// words is a fact of n words.
func words(n int) troth.Fact {
	all := make([]string, n)
	for i := range all {
		all[i] = utoa(uint64(i))
	}
	return troth.Words(all...)
}

// around are fields of everything beside the words of its second fact.
const around = envelopeFields + actorFields + 6*(1+factFields) + 1

var mistakes = []func(e *Envelope){
	func(e *Envelope) { e.ID[6] = 0x4f },
	func(e *Envelope) { e.ID[8] = 0xff },
	func(e *Envelope) { e.Tenant = "" },
	func(e *Envelope) { e.Tenant = "~other" },
	func(e *Envelope) { e.Tenant = "a\xff" },
	func(e *Envelope) { e.Tenant = troth.Tenant(strings.Repeat("a", 256)) },
	func(e *Envelope) { e.Act = "Everything" },
	func(e *Envelope) { e.Act = "" },
	func(e *Envelope) { e.Act = "test.\xff" },
	func(e *Envelope) { e.ActVersion = 0 },
	func(e *Envelope) { e.ActVersion = -1 },
	func(e *Envelope) { e.ActVersion = 1 << 31 },
	func(e *Envelope) { e.Outcome = "maybe" },
	func(e *Envelope) { e.Outcome = "" },
	func(e *Envelope) { e.Actor.Kind = "robot" },
	func(e *Envelope) { e.Actor.Kind = "" },
	func(e *Envelope) { e.Actor.Person = Pseudonym{} },
	func(e *Envelope) { e.Actor.Home = "" },
	func(e *Envelope) { e.Actor.Home = "\n" },
	func(e *Envelope) { e.Actor = ActorRef{Kind: troth.Service, Home: "acme"} },
	func(e *Envelope) { e.Actor = ActorRef{Kind: troth.Service, Service: "a\x00", Home: "acme"} },
	func(e *Envelope) { e.Purpose = "a\nb" },
	func(e *Envelope) { e.Facts = append(e.Facts, e.Facts[0]) },
	func(e *Envelope) { e.Facts[0].Name = "" },
	func(e *Envelope) { e.Facts[0].Name = "\xff" },
	func(e *Envelope) { e.Facts[0].Fact = troth.Word("") },
	func(e *Envelope) { e.Facts[0].Fact = troth.Word("\xff") },
	func(e *Envelope) { e.Facts[0].Fact = troth.Fact{} },
	func(e *Envelope) { e.Facts[0].Fact = troth.ID("") },
	func(e *Envelope) { e.Facts[1].Fact = troth.Words("a", "") },
	func(e *Envelope) { e.Facts[1].Fact = words(4096 - around + 1) },
	func(e *Envelope) { e.Commitments = make([][32]byte, 2000) }, // longer than MaxEnvelope
}

var harmless = []func(e *Envelope){
	func(e *Envelope) { e.ActVersion = 1<<31 - 1 },
	func(e *Envelope) { e.Outcome = troth.Done },
	func(e *Envelope) { e.Actor = ActorRef{Kind: troth.Service, Service: "importer", Home: "acme"} },
	func(e *Envelope) { e.Actor.Service = "\xff" }, // not encoded of a person
	func(e *Envelope) { e.Subject = Pseudonym{} },
	func(e *Envelope) { e.Purpose = "" },
	func(e *Envelope) { e.Facts = nil },
	func(e *Envelope) { e.Facts[0].Name = "ü" },
	func(e *Envelope) { e.Facts[1].Fact = troth.Words[string]() },
	func(e *Envelope) { e.Facts[1].Fact = words(4096 - around) },
	func(e *Envelope) { e.Commitments = make([][32]byte, 1500) },
	func(e *Envelope) { e.Tenant = troth.Platform },
	func(e *Envelope) { e.Nonce = [32]byte{5} },
}

// What is looked at before it is encoded is what would be found when it is read.
func TestReadable_FindsWhatReadingFinds(t *testing.T) {
	same := func(e Envelope) (read bool) {
		t.Helper()
		raw := e.Append(nil)
		_, err := ParseEnvelope(raw)
		require.Equal(t, err == nil, readable(e, raw) == nil, "%v: %+v", err, e)
		return err == nil
	}
	require.True(t, same(everything()))
	for i, change := range mistakes {
		e := everything()
		change(&e)
		assert.False(t, same(e), "mistake %d is none", i)
	}
	for i, change := range harmless {
		e := everything()
		change(&e)
		assert.True(t, same(e), "change %d is not harmless", i)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	changes := append(append(append([]func(e *Envelope){}, harmless...), harmless...), mistakes...)
	for range 2000 {
		e := everything()
		for range 1 + random.IntN(4) {
			if change := changes[random.IntN(len(changes))]; len(e.Facts) > 1 {
				change(&e)
			}
		}
		same(e)
	}
	late := everything()
	late.RecordedAt = late.RecordedAt.Add(time.Millisecond)
	require.ErrorIs(t, readable(late, late.Append(nil)), ErrEnvelope)
}
