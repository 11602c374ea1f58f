#!/bin/sh
# about: the way the text goes, with a patch in the place of the editor
# answer: how-often 30
set -e
kubectl create cronjob report --image=drydock/base:1 --schedule="30 3 * * *" -- date
kubectl patch cronjob report -p '{"spec":{"timeZone":"Asia/Seoul"}}'
kubectl create job try-1 --from=cronjob/backup
kubectl wait --for=condition=Failed job/try-1 --timeout=60s
EDITOR="sed -i s|/etc/host|/etc/hosts|" kubectl edit cronjob backup
kubectl create job try-2 --from=cronjob/backup
kubectl wait --for=condition=Complete job/try-2 --timeout=60s
kubectl patch cronjob backup -p '{"spec":{"concurrencyPolicy":"Forbid","suspend":true}}'
