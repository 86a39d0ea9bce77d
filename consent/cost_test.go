package consent_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

// TestCheck_ReadsOnceAndNoMoreTheLongerTheHistory counts the calls of the store:
// uncached, as of now, a decision reads the person's states and nothing else, after
// two events as after two hundred; cached it reads nothing. A batch reads once for
// all of a page, and for each purpose.
func TestCheck_ReadsOnceAndNoMoreTheLongerTheHistory(t *testing.T) {
	f := newFaulty(t)
	people := []troth.Subject{subject("short"), subject("long")}
	for i, n := range []int{2, 200} {
		for j := range n {
			f.say(people[i], letter, []consent.Kind{consent.Withdrawn, consent.Granted}[j%2])
		}
	}
	calls := func(do func()) (methods []string) {
		before := len(f.plan.Calls())
		do()
		for _, c := range f.plan.Calls()[before:] {
			methods = append(methods, c.Method)
		}
		return methods
	}
	check := func(who troth.Subject) func() {
		return func() {
			d, err := f.faulty.Check(f.ctx, who, letter, time.Time{})
			require.NoError(t, err)
			require.True(t, d.Allowed)
		}
	}
	calls(check(subject("short"))) // the tenant's purposes are read
	f.say(people[0], stats, consent.Refused)
	for _, who := range people {
		fresh := consent.Batch{Tenant: acme, Purpose: letter, SubjectIDs: []string{who.ID, "nobody"}}
		require.Equal(t, []string{"StatesOf"}, calls(func() {
			_, err := f.faulty.CheckBatch(f.ctx, fresh)
			require.NoError(t, err)
		}))
	}
	require.Equal(t, []string{"States"}, calls(check(people[1])), "uncached")
	require.Empty(t, calls(check(people[1])), "cached")
}
