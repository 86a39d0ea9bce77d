package rights

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/canon"
)

// dawn is an instant of which no byte looks like a tag.
var dawn = time.UnixMicro(1 << 40).UTC()

// some are events of which every second one says all that can be said.
func some(n int) []Event {
	all := make([]Event, n)
	for i := range all {
		all[i] = Event{Seq: 7 + i, Kind: SourceDone, At: dawn, RecordedAt: dawn, From: StateExecuting, To: StateExecuting}
		if i%2 == 1 {
			all[i].RecordedAt, all[i].To, all[i].Until = dawn.Add(time.Second), StateDelivering, dawn.Add(time.Hour)
			all[i].Word, all[i].Ref, all[i].Evidence[3] = "done", "orders", 9
		}
	}
	return all
}

func TestEvents_ComeBackFromTheirRow(t *testing.T) {
	for n := 1; n <= perRow; n++ {
		got, err := parseEvents(encodeEvents(some(n)), 7)
		require.NoError(t, err, n)
		require.Equal(t, some(n), got)
	}
	for _, n := range []int{0, perRow + 1} {
		_, err := parseEvents(encodeEvents(some(n)), 7)
		require.ErrorIs(t, err, ErrRecord, n)
	}
}

func TestEvents_RefuseWhatIsNeverWritten(t *testing.T) {
	one := encodeEvents(some(1))
	head := canon.AppendList(canon.AppendDomain(nil, eventsDomain), eventFields)
	for _, fields := range []int{0, 1, eventFields - 1, eventFields + 1} {
		bad := append(canon.AppendList(canon.AppendDomain(nil, eventsDomain), fields), one[len(head):]...)
		_, err := parseEvents(bad, 1)
		require.ErrorIs(t, err, ErrRecord, "%d fields", fields)
	}
	// What is none has no second way to be written.
	said := [][]byte{canon.AppendInt(nil, micros(dawn)), canon.AppendText(nil, StateExecuting), canon.AppendInt(nil, 0)}
	var nones []int
	for i, b := range one {
		if b == canon.TagNone && i > len(head) {
			nones = append(nones, i)
		}
	}
	require.Len(t, nones, len(said))
	for n, i := range nones {
		_, err := parseEvents(slices.Concat(one[:i], said[n], one[i+1:]), 1)
		require.ErrorIs(t, err, ErrRecord, n)
	}
}
