/** Names as people of one language have them; `language` is also the file of their dialogues. */
export interface Culture {
  language: string;
  given: string[];
  family: string[];
  /** True where the family's name stands first and nothing between. */
  familyFirst?: boolean;
}

const list = (names: string) => names.split(" ");

export const cultures: Culture[] = [
  {
    language: "en",
    given: list(
      "Alice Ben Charlotte Dylan Eleanor Finn Grace Harry Isla Jack Keira Liam Maisie Noah Olive Ruby",
    ),
    family: list("Archer Brooks Clarke Doyle Ellis Foster Hughes Lawson Murray Nash Okafor Pritchard"),
  },
  {
    language: "fr",
    given: list(
      "Amélie Baptiste Chloé Damien Élodie François Gaëlle Hugo Inès Jérôme Léa Mathis Noémie Océane",
    ),
    family: list("Bernard Carpentier Dubois Fontaine Girard Lefèvre Marchand Perrin Renaud Tremblay"),
  },
  {
    language: "de",
    given: list("Anja Björn Carla Dörte Emil Franziska Günther Hanna Jürgen Käthe Lukas Mareike Sören Ute"),
    family: list("Bauer Engel Fuchs Größer Hoffmann Krüger Lindner Möller Schäfer Vogel"),
  },
  {
    language: "es",
    given: list(
      "Alejandra Begoña Carlos Dolores Emilio Íñigo Jimena Lucía Martín Núria Óscar Pilar Raúl Ximena",
    ),
    family: list("Álvarez Castaño Domínguez Fuentes García Ibáñez Muñoz Peña Quiroga Vidal"),
  },
  {
    language: "it",
    given: list("Alessia Bruno Chiara Davide Elisa Fabio Giulia Lorenzo Niccolò Ornella Pietro Silvia"),
    family: list("Bianchi Conti Esposito Ferrara Greco Marino Ricci Romano"),
  },
  {
    language: "pt",
    given: list("André Beatriz Conceição Diogo Inês João Luísa Mário Patrícia Simão Tânia Vítor"),
    family: list("Almeida Barros Carvalho Faria Gonçalves Magalhães Pinto Simões"),
  },
  {
    language: "ru",
    given: list("Алексей Вера Дмитрий Екатерина Игорь Ксения Михаил Наталья Ольга Пётр Софья Юлия"),
    family: list("Белых Гордиенко Живаго Коваленко Левченко Седых Черных Шевченко"),
  },
  {
    language: "el",
    given: list("Αλέξανδρος Βασιλική Γιώργος Δήμητρα Ελένη Κώστας Μαρία Νίκος Σοφία Χρήστος"),
    family: list("Γεωργίου Ιωάννου Μακρή Νικολάου Παππά Χατζή"),
  },
  {
    language: "ar",
    given: list("أحمد بشرى حسن خديجة سلمى عمر فاطمة كريم ليلى مريم نور يوسف"),
    family: list("الحداد الخطيب السعدي الشامي المصري النجار"),
  },
  {
    language: "he",
    given: list("אביגיל דוד חנה יעל מיכאל נועה עידו רותם שירה תמר"),
    family: list("אלון ברק גולן כהן מזרחי פרץ"),
  },
  {
    language: "hi",
    given: list("अर्जुन आशा इंदिरा कबीर दीपिका नेहा प्रिया मीरा राहुल विक्रम"),
    family: list("गुप्ता जोशी मेहता वर्मा शर्मा सिंह"),
  },
  {
    language: "tr",
    given: list("Ayşe Barış Çiğdem Deniz Elif Gülşen İpek Kerem Oğuz Şule Ümit Yağmur"),
    family: list("Aydın Çelik Demir Güneş Öztürk Şahin Yıldız"),
  },
  {
    language: "vi",
    given: list("Anh Bảo Châu Dũng Giang Hương Khánh Linh Ngọc Phương Thảo Tuấn"),
    family: list("Đặng Hoàng Lê Nguyễn Phạm Trần Võ"),
  },
  {
    language: "ja",
    given: list("愛 健太 さくら 翔太 千尋 直樹 美咲 結衣 陽菜 大輔"),
    family: list("伊藤 加藤 佐藤 鈴木 高橋 田中 中村 山本 渡辺 小林"),
    familyFirst: true,
  },
  {
    language: "zh",
    given: list("建国 丽华 明 思远 晓雨 雅文 子涵 志强 欣怡 浩然"),
    family: list("陈 黄 李 刘 王 吴 张 赵 周 林"),
    familyFirst: true,
  },
  {
    language: "ko",
    given: list("민준 서연 지우 하은 도윤 수빈 예진 현우 은지 준호"),
    family: list("김 박 이 정 최 한 윤 강"),
    familyFirst: true,
  },
];
