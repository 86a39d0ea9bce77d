package retention

import (
	"errors"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSwept_SaysWhatItDid(t *testing.T) {
	require.Equal(t, "nothing was due", Swept{}.String())
	require.Equal(t, "3 moved, 12 destroyed", Swept{Moved: 3, Destroyed: 12}.String())
	require.Equal(t, "nothing done; 2 held, 1 of them by an exception", Swept{Held: 2, Excepted: 1}.String())
	require.Equal(t, "1 anonymised; 1 failed", Swept{
		Anonymised: 1, Failed: []Failure{{RecordKey: RecordKey{ID: "ada@example.org"}, Err: errors.New("ada@example.org")}},
	}.String())
}

// TestSwept_LeavesNoFieldOut: whatever a sweep counts shows in what it says.
func TestSwept_LeavesNoFieldOut(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Swept]()) {
		if !f.IsExported() {
			continue
		}
		var s Swept
		switch v := reflect.ValueOf(&s).Elem().FieldByIndex(f.Index); v.Kind() {
		case reflect.Int:
			v.SetInt(7)
		default:
			v.Set(reflect.MakeSlice(v.Type(), 7, 7))
		}
		require.Contains(t, s.String(), "7 ", f.Name)
	}
}
