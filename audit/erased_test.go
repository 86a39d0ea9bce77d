package audit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
)

func TestParts_SayByWhichEntryTheyWereErased(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	for name, c := range map[string]struct {
		subject, scope string
		facts          troth.Facts
		states         string
	}{
		"the compartment": {"17", "compartments", troth.Facts{"compartments": troth.Words("letters", "more")}, "erased by / present / present"},
		"another one":     {"17", "compartments", troth.Facts{"compartments": troth.Words("more")}, "present / present / present"},
		"the person":      {"17", "subject", nil, "erased by / present / erased by"},
		"but for one":     {"17", "subject", troth.Facts{"spared": troth.Words("letters")}, "present / present / erased by"},
		"another person":  {"19", "subject", nil, "present / present / present"},
		"the tenant":      {"", "tenant", nil, "erased by / erased by / erased by"},
		"nobody":          {"", "subject", nil, "present / present / present"},
		"a new scope":     {"17", "other", nil, "present / present / present"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.record(w.as(kim), letter("acme"))
			w.tick()
			other := w.record(w.as(kim), letter("bolt"))
			for n := range 300 { // over more than one page
				w.tick()
				w.record(w.as(kim), shredding("acme", "20", "compartments", troth.Facts{"compartments": troth.Words("letters")}))
				if n == 280 {
					w.toLog()
				}
			}
			refused := shredding("acme", c.subject, c.scope, c.facts)
			refused.Outcome = troth.Refused
			w.record(w.as(kim), refused)
			require.Equal(t, "present / present / present", w.states("acme", id))
			w.tick()
			by := w.record(w.as(kim), shredding("acme", c.subject, c.scope, c.facts))
			for range 2 {
				require.Equal(t, c.states, w.states("acme", id))
				for _, info := range w.parts("acme", id) {
					require.True(t, info.By == by || info.By.IsZero())
					require.NotEmpty(t, info.Name, "what was erased is still named")
				}
				require.Equal(t, "present / present / present", w.states("bolt", other))
				w.toLog()
			}
		})
	}
}

func TestOpenPart_SaysByWhichEntryThePartWasErased(t *testing.T) {
	w := newWorld(t)
	id := w.record(w.as(kim), letter("acme"))
	w.sealer.Shred(ada, "letters")
	_, err := w.open("acme", id, 0, "17")
	gone := w.gone(err)
	require.True(t, gone.Erased)
	require.True(t, gone.By.IsZero(), "no entry tells of it")
	require.ErrorIs(t, err, audittest.ErrShredded)
	require.Contains(t, err.Error(), "not known")

	by := w.record(w.as(kim), shredding("acme", "17", "compartments", troth.Facts{"compartments": troth.Words("letters")}))
	for range 2 {
		_, err = w.open("acme", id, 0, "17")
		gone = w.gone(err)
		require.Equal(t, by, gone.By)
		require.Equal(t, "audit: part was erased by entry "+by.String(), err.Error())
		_, err = w.open("acme", id, 2, "17")
		require.NoError(t, err, "its compartment lives")
		w.toLog()
	}
	env := w.envelope("acme", id)
	rows, err := w.store.Parts(t.Context(), "acme", id)
	require.NoError(t, err)
	require.NoError(t, audit.CheckPart(env, 0, sealed(rows[0])), "the commitment holds as before")
}

func TestRecord_OfWhomIsShreddedCommitsToAPartThatHoldsNothing(t *testing.T) {
	w := newWorld(t)
	w.aboutSubject(w.as(kim), "acme", "17")
	w.sealer.Shred(ada, "letters")
	w.tick()
	id := w.record(w.as(kim), letter("acme"))
	require.Equal(t, "erased / present / present", w.states("acme", id))
	_, err := w.open("acme", id, 0, "17")
	require.True(t, w.gone(err).Erased)
	rows, err := w.store.Parts(t.Context(), "acme", id)
	require.NoError(t, err)
	require.True(t, sealed(rows[0]).Withheld())
	require.False(t, sealed(rows[1]).Withheld())

	by := w.record(w.as(kim), shredding("acme", "17", "compartments", troth.Facts{"compartments": troth.Words("letters")}))
	require.Equal(t, "erased by / present / present", w.states("acme", id))
	_, err = w.open("acme", id, 0, "17")
	require.Equal(t, by, w.gone(err).By)
}

func TestRecord_OfWhomEvenThePseudonymIsShredded(t *testing.T) {
	w := newWorld(t)
	for _, c := range []troth.Compartment{"letters", troth.DefaultCompartment, troth.PseudonymCompartment} {
		w.sealer.Shred(ada, c)
	}
	id := w.record(w.as(kim), letter("acme"))
	infos := w.parts("acme", id)
	require.Equal(t, audit.PartErased, infos[0].State)
	require.Equal(t, audit.PartErased, infos[2].State)
	require.Equal(t, audit.PartPresent, infos[1].State)
	require.Equal(t, infos[0].Subject, infos[2].Subject, "one person is one pseudonym within an entry")
	w.toLog()
	require.Equal(t, infos[0].Subject, w.envelope("acme", id).Subject)
}
