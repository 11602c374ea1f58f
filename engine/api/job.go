package api

import (
	"strconv"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/util/feature"
	jobutil "k8s.io/kubernetes/pkg/api/job"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/batch"
	"k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/features"
	"k8s.io/utils/ptr"
)

// jobs choose their own selector: the job's uid, which is also written on its pods, so that no two jobs ever share one.
var jobs = rules[*batch.Job]{
	create: newJob,
	validate: func(job *batch.Job) field.ErrorList {
		return validation.ValidateJobCreate(job, jobOptions(job, nil))
	},
	warn: func(job *batch.Job) []string {
		return append(nameWarning(job.Name, "Pod names and hostnames"),
			jobutil.WarningsForJobSpec(background, field.NewPath("spec"), &job.Spec, nil)...)
	},
	update: change[*batch.Job]{
		prepareFunc: updateJob,
		validateFunc: func(obj, old *batch.Job) field.ErrorList {
			return validation.ValidateJobUpdate(obj, old, jobOptions(obj, old))
		},
		warnFunc: func(obj, old *batch.Job) []string {
			if obj.Generation == old.Generation {
				return nil
			}
			return jobutil.WarningsForJobSpec(background, field.NewPath("spec"), &obj.Spec, &old.Spec)
		},
		reset: []string{"status"},
	},
	subresources: map[string]change[*batch.Job]{
		"status": {
			prepareFunc: func(obj, old *batch.Job) { obj.Spec = old.Spec },
			validateFunc: func(obj, old *batch.Job) field.ErrorList {
				return validation.ValidateJobUpdateStatus(obj, old, jobStatusOptions(obj, old))
			},
			reset: []string{"spec"},
		},
	},
	fields: func(job *batch.Job) fields.Set {
		return fields.Set{"status.successful": strconv.Itoa(int(job.Status.Succeeded))}
	},
	switches: func() map[string]bool { return gate(features.WorkloadWithJob) },
}

func newJob(job *batch.Job) {
	if !ptr.Deref(job.Spec.ManualSelector, false) {
		selectByUID(job)
	}
	job.Status = batch.JobStatus{}
	job.Generation = 1
	if !feature.DefaultFeatureGate.Enabled(features.JobManagedBy) {
		job.Spec.ManagedBy = nil
	}
	jobutil.DropDisabledFields(&job.Spec, nil)
	podutil.DropDisabledTemplateFields(&job.Spec.Template, nil)
}

func updateJob(obj, old *batch.Job) {
	obj.Status = old.Status
	jobutil.DropDisabledFields(&obj.Spec, &old.Spec)
	podutil.DropDisabledTemplateFields(&obj.Spec.Template, &old.Spec.Template)
	if !equality.Semantic.DeepEqual(obj.Spec, old.Spec) {
		obj.Generation = old.Generation + 1
	}
}

// selectByUID writes name and uid on the template, in the old spelling and the new, and selects by the uid. What the user
// has put there stays, and is refused by validation when it differs.
func selectByUID(job *batch.Job) {
	if job.Spec.Template.Labels == nil {
		job.Spec.Template.Labels = map[string]string{}
	}
	if job.Spec.Selector == nil {
		job.Spec.Selector = &metav1.LabelSelector{}
	}
	if job.Spec.Selector.MatchLabels == nil {
		job.Spec.Selector.MatchLabels = map[string]string{}
	}
	labels, uid := job.Spec.Template.Labels, string(job.UID)
	setMissing(labels, batch.LegacyJobNameLabel, job.Name)
	setMissing(labels, batch.JobNameLabel, job.Name)
	setMissing(labels, batch.LegacyControllerUidLabel, uid)
	setMissing(labels, batch.ControllerUidLabel, uid)
	setMissing(job.Spec.Selector.MatchLabels, batch.ControllerUidLabel, uid)
}

func setMissing(m map[string]string, key, value string) {
	if _, there := m[key]; !there {
		m[key] = value
	}
}

// jobOptions says what of a job may change: nearly nothing, but the template of one that has been suspended and has no pods.
func jobOptions(job, old *batch.Job) validation.JobValidationOptions {
	var oldTemplate *core.PodTemplateSpec
	if old != nil {
		oldTemplate = &old.Spec.Template
	}
	opts := validation.JobValidationOptions{
		PodValidationOptions:  podutil.GetValidationOptionsFromPodTemplate(&job.Spec.Template, oldTemplate),
		RequirePrefixedLabels: true,
	}
	if old == nil {
		return opts
	}
	opts.AllowInvalidLabelValueInSelector = opts.AllowInvalidLabelValueInSelector ||
		metav1validation.LabelSelectorHasInvalidLabelValue(old.Spec.Selector)
	suspended, started := ptr.Deref(old.Spec.Suspend, false), old.Status.StartTime != nil
	paused := validation.IsConditionTrue(old.Status.Conditions, batch.JobSuspended)
	resting := suspended && (!started || paused) && old.Status.Active == 0
	opts.AllowMutableSchedulingDirectives = suspended && !started
	if feature.DefaultFeatureGate.Enabled(features.MutablePodResourcesForSuspendedJobs) {
		opts.AllowMutablePodResources = resting
	}
	if feature.DefaultFeatureGate.Enabled(features.MutableSchedulingDirectivesForSuspendedJobs) {
		opts.AllowMutableSchedulingDirectives = resting
	}
	_, named := old.Spec.Template.Labels[batch.JobNameLabel]
	_, numbered := old.Spec.Template.Labels[batch.ControllerUidLabel]
	opts.RequirePrefixedLabels = named && numbered
	return opts
}
