#include <utility>

#include "io/json/json_writer.h"
#include "io/report/questions/deletion.h"

namespace gneiss {
namespace {

void WriteDeletionMembers(const WhatifQuestion& question, const Deletion& deletion,
                          JsonWriter& json) {
  const Fleet& fleet = *question.fleet;
  json.Field("stored_bytes", deletion.stored);
  json.Field("freed_bytes", deletion.freed());
  json.Field("exclusive_bytes", deletion.exclusive);
  json.Field("joint_bytes", deletion.joint);
  json.Field("deleted_refs", deletion.num_refs);
  json.Field("deleted_images", deletion.num_leaving_fleet);
  json.Key("deleted");
  json.BeginArray();
  for (const LeavingImage& image : deletion.images) {
    Json row = ImageJson(fleet, image.image);
    row["pulls"] = fleet.images[image.image].pulls;
    row["leaves_fleet"] = image.leaves_fleet;
    row["size_bytes"] = image.size;
    row["exclusive_bytes"] = image.exclusive;
    row["joint_share_bytes"] = image.joint_share;
    row["freed_share_bytes"] = image.freed_share();
    row["staying_bytes"] = image.staying;
    json.Value(row);
  }
  json.EndArray();
  json.Key("partly");
  json.BeginArray();
  for (const PartlyDeletedImage& image : deletion.partly) {
    Json row = ImageJson(fleet, image.image);
    row["refs_deleted"] = image.num_refs_deleted;
    row["refs_left"] = image.num_refs_left;
    json.Value(row);
  }
  json.EndArray();
}

void WriteFrontier(const WhatifQuestion& question, const FreeSpace& plan, JsonWriter& json) {
  json.Key("frontier");
  json.BeginArray();
  std::int64_t images = 0;
  std::int64_t loss = 0;
  Bytes freed = 0;
  for (const DeletionStep& step : plan.frontier) {
    images += std::ssize(step.ids);
    loss += step.loss;
    freed += step.freed;
    Json adds = Json::array();
    for (const ImageIndex i : step.ids) adds.push_back(ImageJson(*question.fleet, i));
    json.Value(Json{
        {"images", images}, {"loss", loss}, {"freed_bytes", freed}, {"adds", std::move(adds)}});
  }
  json.EndArray();
}

std::string_view StatusName(DeletionStatus status) {
  switch (status) {
    case DeletionStatus::kOptimal:
      return "optimal";
    case DeletionStatus::kStopped:
      return "time limit";
    case DeletionStatus::kNodeLimit:
      return "node limit";
    case DeletionStatus::kInfeasible:
      break;
  }
  return "infeasible";
}

}  // namespace

void WriteDeletionJson(const WhatifQuestion& question, const Deletion& deletion,
                       std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  WriteWhatifHead(question, json);
  WriteDeletionMembers(question, deletion, json);
  json.EndObject();
  json.Finish();
}

void WriteRetentionJson(const WhatifQuestion& question, std::int64_t newest,
                        const Retention& retention, const Deletion& deletion, std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  WriteWhatifHead(question, json);
  json.Field("keep_last", newest);
  json.Field("repositories_touched", retention.num_repositories);
  json.Field("kept_undated", retention.num_undated);
  json.Field("kept_tied", retention.num_tied);
  json.Field("kept_protected", retention.num_protected);
  json.Field("kept_by_tag", retention.num_kept_by_tag);
  json.Field("kept_without_refs", retention.num_without_refs);
  WriteDeletionMembers(question, deletion, json);
  json.EndObject();
  json.Finish();
}

void WriteFreeSpaceJson(const WhatifQuestion& question, const FreeSpace& plan, bool frontier,
                        std::ostream& out) {
  JsonWriter json(out);
  json.BeginObject();
  WriteWhatifHead(question, json);
  json.Field("loss_of_image", plan.request.loss == DeletionLoss::kImages ? "images" : "pulls");
  json.Field("kept_images", plan.num_kept);
  json.Field("most_loss", plan.most_loss);
  json.Field("most_freed_bytes", plan.most_freed);
  if (plan.choice) {
    const DeletionChoice& choice = *plan.choice;
    json.Field("wanted_bytes", *plan.request.wanted);
    json.Field("status", StatusName(choice.status));
    if (choice.status != DeletionStatus::kInfeasible) {
      json.Field("loss", choice.loss);
      json.Field("lower_bound", choice.lower_bound);
    }
    json.Field("nodes", choice.num_nodes);
  }
  WriteDeletionMembers(question, plan.deletion, json);
  if (frontier) WriteFrontier(question, plan, json);
  json.EndObject();
  json.Finish();
}

}  // namespace gneiss
