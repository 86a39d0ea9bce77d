package deadline_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
)

func TestPeriod_Compare(t *testing.T) {
	for _, c := range []struct {
		p, q    string
		order   int
		defined bool
	}{
		{"P1M", "P1M", 0, true},
		{"P1Y", "P12M", 0, true},
		{"P1W", "P7D", 0, true},
		{"P1M", "P27D", 1, true},
		{"P1M", "P28D", 0, false}, // a February
		{"P1M", "P30D", 0, false},
		{"P1M", "P31D", 0, false},
		{"P1M", "P32D", -1, true},
		{"P3M", "P89D", 0, false}, // February to April has 89
		{"P3M", "P88D", 1, true},
		{"P3M", "P93D", -1, true},
		{"P1Y", "P364D", 1, true},
		{"P1Y", "P367D", -1, true},
		{"P2M", "P1M30D", 0, false},
		{"P1MT1H", "P1M", 1, true},
		{"P3D", "PT72H", 0, false}, // summer time may begin
		{"P4D", "PT72H", 1, true},
		{"P2D", "PT72H", -1, true},
		{"P10B", "P15B", -1, true},
		{"P10B", "P9D", 0, false},
		{"P0D", "P10B", -1, true},
		{"PT1H", "P0D", 1, true},
	} {
		order, defined := period(t, c.p).Compare(period(t, c.q))
		require.Equal(t, c.defined, defined, "%s %s", c.p, c.q)
		require.Equal(t, c.order, order, "%s %s", c.p, c.q)
		back, defined := period(t, c.q).Compare(period(t, c.p))
		require.Equal(t, c.defined, defined, "%s %s", c.q, c.p)
		require.Equal(t, -c.order, back, "%s %s", c.q, c.p)
	}
	_, defined := deadline.Period{Days: -1}.Compare(deadline.Period{})
	require.False(t, defined)
}

// What Compare says of two periods holds from every random start, and where it
// says nothing some start of the 400 years shows why.
func TestPeriod_CompareAgreesWithAddition(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	first := day(t, "2000-01-01")
	for range 40 {
		p := deadline.Period{Months: rng.IntN(5), Days: rng.IntN(62)}
		q := deadline.Period{Months: rng.IntN(5), Days: rng.IntN(62)}
		seen := map[int]bool{}
		for i := range 8 * 366 { // two leap years; spans this short repeat
			end, err := p.AddTo(first.AddDays(i))
			require.NoError(t, err)
			other, err := q.AddTo(first.AddDays(i))
			require.NoError(t, err)
			seen[end.Compare(other)] = true
		}
		order, defined := p.Compare(q)
		require.Equal(t, len(seen) == 1, defined, "%s %s %v", p, q, seen)
		require.True(t, !defined || seen[order], "%s %s", p, q)
	}
}

func TestPeriod_MaxDays(t *testing.T) {
	for s, want := range map[string]int{
		"P0D": 0, "P1M": 31, "P2M": 62, "P3M": 92, "P6M": 184, "P1Y": 366, "P2Y": 731, "P4Y": 1461, "P400Y": 146097,
		"P8Y": 2922, "P45D": 45, "P2W": 14, "PT72H": 3, "PT73H": 4, "PT1H": 1, "P1M1DT1H": 33,
	} {
		days, ok := period(t, s).MaxDays()
		require.True(t, ok)
		require.Equal(t, want, days, s)
	}
	_, ok := period(t, "P10B").MaxDays()
	require.False(t, ok)
	_, ok = deadline.Period{Days: -1}.MaxDays()
	require.False(t, ok)
}

// No start makes a period longer than MaxDays, and one reaches it.
func TestPeriod_MaxDaysIsReached(t *testing.T) {
	for months := range 30 {
		p, longest := deadline.Period{Months: months}, 0
		for d := day(t, "1996-01-01"); d.Before(day(t, "2005-01-01")); d = d.AddDays(1) {
			end, err := p.AddTo(d)
			require.NoError(t, err)
			longest = max(longest, end.Sub(d))
		}
		days, ok := p.MaxDays()
		require.True(t, ok)
		require.Equal(t, longest, days, "%d months", months)
	}
}
