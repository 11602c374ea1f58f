package api

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// plainColumns are those of kinds that upstream shows by name and time of creation only.
func plainColumns() []metav1.TableColumnDefinition {
	described := metav1.ObjectMeta{}.SwaggerDoc()
	return []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: described["name"]},
		{Name: "Created At", Type: "date", Description: described["creationTimestamp"]},
	}
}

// plainTable shows an object or a list in plain columns.
func plainTable(obj runtime.Object, headers bool) (*metav1.Table, error) {
	table := &metav1.Table{}
	if headers {
		table.ColumnDefinitions = plainColumns()
	}
	add := func(item runtime.Object) error {
		accessor, err := meta.Accessor(item)
		if err != nil {
			return err
		}
		created := accessor.GetCreationTimestamp().UTC().Format(time.RFC3339)
		table.Rows = append(table.Rows, metav1.TableRow{Cells: []any{accessor.GetName(), created}, Object: runtime.RawExtension{Object: item}})
		return nil
	}
	if list, err := meta.ListAccessor(obj); err == nil {
		table.ResourceVersion, table.Continue, table.RemainingItemCount = list.GetResourceVersion(), list.GetContinue(), list.GetRemainingItemCount()
		return table, meta.EachListItem(obj, add)
	}
	if single, err := meta.CommonAccessor(obj); err == nil {
		table.ResourceVersion = single.GetResourceVersion()
	}
	return table, add(obj)
}
