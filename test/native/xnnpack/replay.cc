// Runs the fuzzer's function on the files named as arguments, or writes its seeds: replay --seeds FOLDER.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "sample_plans.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
  if (count == 3 && std::strcmp(arguments[1], "--seeds") == 0) {
    for (const auto& [name, writer] : vigie::test::sample_plans()) {
      vigie::test::AlignedBytes file = writer.file();
      std::ofstream out(std::string(arguments[2]) + "/" + name + ".xnn", std::ios::binary);
      out.write(reinterpret_cast<const char*>(file.bytes().data()), static_cast<std::streamsize>(file.bytes().size()));
    }
    return 0;
  }
  for (int i = 1; i < count; ++i) {
    std::ifstream in(arguments[i], std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(in)), {});
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  std::printf("replayed %d files\n", count - 1);
}
