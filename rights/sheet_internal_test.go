package rights

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// However much sources report, what one of them said never keeps another of its sheet from
// being noted.
func TestSheet_TheGreatestFitsIntoARecord(t *testing.T) {
	var kept []Kept
	longest := slices.MaxFunc(reasonOrder, func(a, b Reason) int { return len(a) - len(b) })
	for range maxKept {
		kept = append(kept, Kept{longest, 1 << 63, at, at.Add(time.Hour), strings.Repeat("x", maxLine)})
	}
	r := Report{Outcome: Retained, Method: ExpiresWithBackup, Records: 1, Keyed: 1, Until: at, CopiesUntil: at, Kept: kept, Ref: strings.Repeat("x", maxLine)}
	for range maxList {
		r.Asked = append(r.Asked, strings.Repeat("x", maxID))
	}
	require.NoError(t, r.validate())
	work := make([]SourceWork, perSheet)
	for i := range work {
		w := &work[i]
		w.Source, w.Order, w.Policy, w.Title = strings.Repeat("x", maxID), Identity, strings.Repeat("x", maxID), strings.Repeat("x", maxLine)
		w.Able, w.Located, w.Found, w.Tries, w.asked, w.Evidence = true, true, 1, 1, 1, troth.EntryID{1}
		w.take(&r, micros(at))
	}
	b := encodeSheet(work, 1<<20)
	require.LessOrEqual(t, len(b)+tagSize, MaxRecord)
	got, of, err := parseSheet(b)
	require.NoError(t, err)
	require.Equal(t, work, got)
	require.Equal(t, 1<<20, of)
}

func TestSheet_RefusesWhatIsNeverWritten(t *testing.T) {
	sheet := func(n int) []byte { return encodeSheet(make([]SourceWork, n), n) }
	for n := 1; n <= perSheet; n++ {
		_, _, err := parseSheet(sheet(n))
		require.NoError(t, err, n)
	}
	for _, n := range []int{0, perSheet + 1} {
		_, _, err := parseSheet(sheet(n))
		require.ErrorIs(t, err, ErrRecord, n)
	}
	head := canon.AppendList(canon.AppendUint(canon.AppendDomain(nil, sheetDomain), 1), workFields)
	one := sheet(1)
	require.Equal(t, head, one[:len(head)])
	for i, b := range one[len(head):] {
		if b != canon.TagNone {
			continue
		}
		for _, zero := range [][]byte{canon.AppendUint(nil, 0), canon.AppendInt(nil, 0), canon.AppendBytes(nil, make([]byte, 16))} {
			_, _, err := parseSheet(slices.Concat(one[:len(head)+i], zero, one[len(head)+i+1:]))
			require.ErrorIs(t, err, ErrRecord, "a zero that is written, at %d", i)
		}
	}
	for _, fields := range []int{workFields - 1, workFields + 1, 0} {
		bad := append(canon.AppendList(canon.AppendUint(canon.AppendDomain(nil, sheetDomain), 1), fields), one[len(head):]...)
		_, _, err := parseSheet(bad)
		require.ErrorIs(t, err, ErrRecord, "%d fields", fields)
	}
}

func TestSheets_AreByName(t *testing.T) {
	var work []SourceWork
	for n := range 2*perSheet + 1 {
		work = append(work, SourceWork{Source: fmt.Sprintf("s%02d", 12-n)})
	}
	s := newSheets(work)
	require.Equal(t, "s12", work[0].Source, "the caller's order stays")
	require.Equal(t, []bool{false, false, false}, s.written)
	require.Nil(t, s.of("s99"))
	require.False(t, s.put(&SourceWork{Source: "s99"}))
	require.True(t, s.put(&SourceWork{Source: "s07", Found: 3}))
	require.Equal(t, []bool{false, true, false}, s.written)
	require.EqualValues(t, 3, s.of("s07").Found)
	require.Equal(t, "s06", s.sheet(1)[0].Source)
	require.Len(t, s.sheet(2), 1)
}
