package api

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/printers"
)

// addPlainColumns shows the kinds for which upstream never wrote a printer: name, and when it came.
func addPlainColumns(h printers.PrintHandler) {
	described := metav1.ObjectMeta{}.SwaggerDoc()
	columns := []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: described["name"]},
		{Name: "Created At", Type: "date", Description: described["creationTimestamp"]},
	}
	for _, handler := range []any{
		func(obj *core.LimitRange, _ printers.GenerateOptions) ([]metav1.TableRow, error) {
			return plainRows(obj)
		},
		func(list *core.LimitRangeList, _ printers.GenerateOptions) ([]metav1.TableRow, error) {
			return plainRows(list)
		},
	} {
		if err := h.TableHandler(columns, handler); err != nil {
			panic(fmt.Sprintf("register plain columns: %v", err)) // our own functions have the wrong form
		}
	}
}

func plainRows(obj runtime.Object) ([]metav1.TableRow, error) {
	var rows []metav1.TableRow
	add := func(item runtime.Object) error {
		accessor, err := meta.Accessor(item)
		if err != nil {
			return err
		}
		created := accessor.GetCreationTimestamp().UTC().Format(time.RFC3339)
		rows = append(rows, metav1.TableRow{Cells: []any{accessor.GetName(), created}, Object: runtime.RawExtension{Object: item}})
		return nil
	}
	if meta.IsListType(obj) {
		err := meta.EachListItem(obj, add)
		return rows, err
	}
	err := add(obj)
	return rows, err
}
