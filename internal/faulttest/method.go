package faulttest

import (
	"context"
	"reflect"
)

// Methods are the names of an interface's methods, but for Transactor.
func Methods[B any]() (names []string) {
	for m := range reflect.TypeFor[B]().Methods() {
		if m.Name != "Transactor" {
			names = append(names, m.Name)
		}
	}
	return names
}

// Call calls a method with a context and zero values, or with those of others that have
// the parameter's type, and returns its error.
func Call(ctx context.Context, on any, method string, others ...any) error {
	m := reflect.ValueOf(on).MethodByName(method)
	args := []reflect.Value{reflect.ValueOf(ctx)}
	for i := 1; i < m.Type().NumIn(); i++ {
		arg := reflect.Zero(m.Type().In(i))
		for _, other := range others {
			if reflect.TypeOf(other) == arg.Type() {
				arg = reflect.ValueOf(other)
			}
		}
		args = append(args, arg)
	}
	results := m.Call(args)
	err, _ := reflect.TypeAssert[error](results[len(results)-1])
	return err
}
